import Rig
import Testing

@testable import NodeStorage

/// People install what an error names.
@Suite struct ToolPackageTests {
    @Test(
        "The package that an error names for a missing tool is the one that brings it on this Debian",
        arguments: [
            .losetup, .modprobe, .mkfsExt4, .e2fsck, .resize2fs, .mkfsXFS, .xfsGrowfs, .mkfsBtrfs, .btrfs, .rbd,
            .rbdNBD,
            .qemuStorageDaemon,
        ] as [Tool])
    func owner(of tool: Tool) async throws {
        let path = try #require(SearchPath(["/usr/sbin", "/usr/bin"]).find(tool.name))
        // Packages older than the merger of /lib into /usr/lib know their files by the old path.
        let names = [path, path.replacing("/usr/", with: "/")]
        let said = try await runTool("dpkg-query", ["--search"] + names).output
        let owners = said.split(separator: "\n").map { String($0.prefix { $0 != ":" }) }
        #expect(owners.contains { tool.package.contains($0) }, "\(tool.name): \(said)")
    }
}
