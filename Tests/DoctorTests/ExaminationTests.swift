import Doctor
import FoundationEssentials
import Testing

/// The verdict, the exit status, and the two ways in which all is shown.
@Suite("Doctor's report")
struct ExaminationTests {
    private let warning = CheckResult(
        .nodes, "", "2 alive", [Finding(.deadNodeHolds, "node n9 is dead", remedy: "bring it back")])
    private let fault = CheckResult(
        .etcdMember, "http://e:1", "", [Finding(.etcdUnreachable, "it is away", remedy: "look")])
    private let unknown = CheckResult.unknown(.images, because: "Ceph does not answer")
    private let ok = CheckResult(.settings, "", "5 are set")

    @Test("0 is healthy, 1 is that something was found, 2 that not all could be looked at")
    func exitCodes() {
        #expect(Examination([ok]).exitCode == 0)
        #expect(Examination([ok, warning]).exitCode == 1)
        #expect(Examination([ok, fault]).exitCode == 1)
        #expect(Examination([ok, unknown]).exitCode == 2)
        #expect(Examination([warning, unknown]).exitCode == 1)
        #expect(Examination([]).exitCode == 2)
    }

    @Test("The worst verdict counts, and the last line says how many there are")
    func conclusions() {
        #expect(Examination([ok]).conclusion == "healthy: 1 check, nothing found.")
        #expect(Examination([ok, warning, fault]).conclusion == "fault: 1 fault and 1 warning found.")
        #expect(Examination([warning, warning]).conclusion == "warning: 2 warnings found.")
        #expect(Examination([fault, unknown]).conclusion == "fault: 1 fault found. 1 check could not be made.")
        #expect(Examination([unknown]).conclusion.hasPrefix("unknown: "))
    }

    @Test("People get a line for each check in a fixed order, and below a finding why it matters and what to do")
    func text() {
        let text = Examination([warning, unknown, fault, ok]).text(isColoured: false)
        #expect(
            text == """
                ok       settings                5 are set
                fault    etcd member http://e:1  1 finding
                         etcd-unreachable: it is away.
                           why: \(FindingCode.etcdUnreachable.why)
                           do:  look
                warning  nodes                   2 alive
                         dead-node-holds: node n9 is dead.
                           why: \(FindingCode.deadNodeHolds.why)
                           do:  bring it back
                unknown  images                  Ceph does not answer

                fault: 1 fault and 1 warning found. 1 check could not be made.

                """)
    }

    @Test("Colours are added, and nothing else")
    func colours() {
        let coloured = Examination([warning, ok]).text(isColoured: true)
        #expect(coloured.contains("\u{1b}[33mwarning\u{1b}[0m") && coloured.contains("\u{1b}[32mok     \u{1b}[0m"))
        #expect(coloured.replacing(/\u{1b}\[\d+m/, with: "") == Examination([warning, ok]).text(isColoured: false))
    }

    @Test("Programs get the same, with a schema and sorted keys")
    func json() throws {
        let examination = Examination([ok, fault])
        let text = try ExaminationJSON(examination, version: "1.2", node: "n1").text()
        let read = try JSONDecoder().decode(Read.self, from: Data(text.utf8))
        #expect(
            read.schema == 1 && read.version == "1.2" && read.node == "n1" && read.verdict == "fault"
                && read.exitCode == 1)
        #expect(read.conclusion == examination.conclusion)
        #expect(
            read.checks.map(\.check) == ["settings", "etcd member"] && read.checks.map(\.subject) == ["", "http://e:1"])
        let finding = try #require(read.checks.last?.findings.first)
        #expect(finding.code == "etcd-unreachable" && finding.verdict == "fault" && finding.remedy == "look")
        #expect(finding.why == FindingCode.etcdUnreachable.why && finding.what == "it is away")
    }

    private struct Read: Decodable {
        let schema: Int
        let version: String
        let node: String
        let verdict: String
        let exitCode: Int
        let conclusion: String
        let checks: [Check]

        struct Check: Decodable {
            let check: String
            let subject: String
            let findings: [Finding]
        }

        struct Finding: Decodable {
            let code: String
            let verdict: String
            let what: String
            let why: String
            let remedy: String
        }
    }
}
