import FoundationEssentials
import Glibc
import PluginConfiguration
import Rig
import Testing

/// The program ends with what docs/reference.md says.
@Suite("Exit statuses")
struct ExitStatusesTests {
    @Test(
        "Each exit status that is documented is what the program ends with",
        arguments: PluginConfiguration.ExitStatus.allCases)
    func each(status: PluginConfiguration.ExitStatus) async throws {
        try await Stage.with(started: false) { stage in
            switch status {
            case .done: #expect(try await stage.operate("volume", "ls").status == status.rawValue)
            case .failed: #expect(try await stage.operate("volume", "inspect", "nobody").status == status.rawValue)
            case .unseen:
                let file = stage.plugin.scratch.path + "/there"
                try Data().write(to: URL(filePath: file))
                #expect(try await stage.operate("doctor", "--bundle", file).status == status.rawValue)
            case .usage:
                for words in [["volume", "inspect"], ["volume", "ls", "--jsn"], ["explode"]] {
                    #expect(try await stage.operate(words).status == status.rawValue, "\(words)")
                }
            case .settings:
                let wrong = try await stage.operate(["volume", "ls"], settings: ["ETCD_ENDPOINTS": "ftp://a"])
                #expect(wrong.status == status.rawValue)
            // BackupExportTests, BackupImportTests and HostCommandTests interrupt the program.
            case .interrupted: #expect(status.rawValue == 128 + SIGINT)
            }
        }
    }
}
