import FoundationEssentials
import Rig
import Testing

/// What `rbd-plugin doctor --json` has found.
struct Diagnosis: CustomStringConvertible {
    let status: Int
    let report: JSONValue

    /// One finding, with the check that it belongs to.
    struct Finding: CustomStringConvertible {
        let check: String
        let subject: String
        let code: String
        let what: String
        let remedy: String

        var description: String { "\(check) \(subject): \(code): \(what) (\(remedy))" }
    }

    var findings: [Finding] {
        (report["checks"]?.array ?? []).flatMap { check in
            (check["findings"]?.array ?? []).map { finding in
                Finding(
                    check: check["check"]?.string ?? "", subject: check["subject"]?.string ?? "",
                    code: finding["code"]?.string ?? "", what: finding["what"]?.string ?? "",
                    remedy: finding["remedy"]?.string ?? "")
            }
        }
    }

    /// Without what the rig itself has: its only OSD has ratios that Ceph complains of, and its user the least of caps.
    var codes: Set<String> { Set(findings.map(\.code)).subtracting(["ceph-health-error", "cap-blocklist-remove"]) }

    /// The verdicts of the checks of that name, by what they are about.
    func verdicts(_ check: String) -> [String: String] {
        let found = (report["checks"]?.array ?? []).filter { $0["check"]?.string == check }
        return Dictionary(found.map { ($0["subject"]?.string ?? "", $0["verdict"]?.string ?? "") }) { $1 }
    }

    func verdict(_ check: String) -> String? { verdicts(check).values.first }

    /// The one finding of that code; the test fails when it is not there.
    func finding(_ code: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Finding {
        try #require(findings.first { $0.code == code }, "\(self)", sourceLocation: sourceLocation)
    }

    var description: String { "status \(status): \(findings.map(\.description).joined(separator: "\n"))" }
}

extension Stage {
    /// Runs doctor as an operator does on the plugin's host.
    func doctor(settings: [String: String?] = [:]) async throws -> Diagnosis {
        var variables = plugin.settings.variables(for: environment, stateFolder: plugin.stateFolder)
        variables["RBD_DEFAULT_POOL"] = pool
        for (name, value) in settings { variables[name] = value }
        let result = try await runTool(
            try PluginProcess.executable(), ["doctor", "--json", "--socket", plugin.socket],
            settings: variables.mapValues { $0 }, within: .seconds(120))
        #expect(result.error.isEmpty, "\(result.error)")
        return Diagnosis(status: Int(result.status), report: try JSONValue(parsing: result.output))
    }
}
