import FoundationEssentials
import Fuzzing
import Glibc
import Rig

/// Lets each target have its time, and keeps what broke it.
struct Supervisor {
    struct Report {
        var executions: UInt64 = 0
        var findings = 0
    }

    /// An input takes milliseconds. One that takes so long never ends.
    private static let patience = Duration.seconds(90)
    /// One defect is often found again and again.
    private static let mostFindings = 3

    let seconds: Double
    let seed: UInt64

    static var seed: UInt64 {
        ProcessInfo.processInfo.environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? .random(in: .min ... .max)
    }

    func run(_ targets: [any FuzzTarget]) async throws -> Report {
        print("seed \(seed)")
        var report = Report()
        for target in targets {
            let deadline = ContinuousClock.now + .seconds(seconds / Double(targets.count))
            var (turn, findings) = (seed, 0)
            repeat {
                let left = (deadline - .now) / .seconds(1)
                let outcome = try await work(target, seed: turn, seconds: max(1, left))
                report.executions += outcome.executions
                print("\(target.name): \(outcome.said)")
                if let input = outcome.input {
                    findings += 1
                    print("  the input is now \(try Corpus.own.keep(input, of: target))")
                }
                fflush(nil)
                turn &+= 1
            } while ContinuousClock.now < deadline && findings < Self.mostFindings
            report.findings += findings
        }
        return report
    }

    private struct Outcome {
        var executions: UInt64
        var said: String
        /// What broke it.
        var input: [UInt8]?
    }

    private func work(_ target: any FuzzTarget, seed: UInt64, seconds: Double) async throws -> Outcome {
        let files = "/tmp/rbd-plugin-fuzz.\(getpid())"
        let (notePath, logPath) = (files + ".note", files + ".log")
        unlink(notePath)
        unlink(logPath)
        defer { for file in [notePath, logPath] { unlink(file) } }
        let note = try Note(notePath)
        let process = try SpawnedProcess(
            "/proc/self/exe", ["--worker", target.name, "\(seed)", "\(seconds)", notePath],
            environment: ["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"], log: logPath)
        let ending = try await watch(process, note)
        let log = FileManager.default.contents(atPath: logPath).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let lines = log.split(separator: "\n")
        let said = lines.first { $0.contains("Fatal error") } ?? lines.last ?? ""
        switch ending {
        case .exited(0): return Outcome(executions: note.count, said: String(said))
        case .exited(Worker.broken): return Outcome(executions: note.count, said: String(said), input: note.input)
        case nil: return Outcome(executions: note.count, said: "an input holds it up", input: note.input)
        case let ending?:
            return Outcome(executions: note.count, said: "it died (\(ending)): \(said)", input: note.input)
        }
    }

    /// - Returns: how it ended; `nil` for one that stood still and was killed.
    private func watch(_ process: SpawnedProcess, _ note: Note) async throws -> SpawnedProcess.Ending? {
        var (count, since) = (note.count, ContinuousClock.now)
        while true {
            if let ending = process.poll() { return ending }
            if note.count != count { (count, since) = (note.count, .now) }
            if ContinuousClock.now - since > Self.patience {
                process.signal(SIGKILL)
                try await process.waitForEnd()
                return nil
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
