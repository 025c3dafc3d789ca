import Glibc
import KernelRequest
import PortContracts
import RBDDriver
import RealParts
import Rig
import Testing
import VolumeCore

@testable import NodeStorage

/// Companions, which are started ahead and get their arguments when there is something to do.
@Suite struct CompanionTests {
    private static let tool = Tool("rbd-plugin-test-companion", package: "rbd-plugin", isCompanion: true)

    /// A companion that says which process it is, then what it was asked: header and request as they come.
    private static let script = """
        #!/usr/bin/perl
        $| = 1;
        read(STDIN, my $header, 4) == 4 or exit 99;
        read(STDIN, my $body, unpack("N", $header));
        $body =~ tr/\\000/|/;
        print "$$ ", scalar(@ARGV), " $body\\n";
        """

    private func run(_ body: (ChildProcess, LinuxBench) async throws -> Void) async throws {
        try await LinuxBench.run("companion") { bench in
            try await bench.makeProgram("\(bench.scratch.path)/\(Self.tool.name)", Self.script)
            let path = SearchPath(SearchPath.standard.folders, ownFolder: bench.scratch.path)
            try await body(ChildProcess(clock: SystemClock(), searchPath: path), bench)
        }
    }

    private func pid(_ result: CommandResult) throws -> pid_t {
        try #require(pid_t(result.output.split(separator: " ").first ?? ""))
    }

    /// The companions that run, of this test alone.
    private func companions(_ bench: LinuxBench) throws -> [pid_t] {
        try ProcessTable.pids().filter { pid in
            ProcessTable.arguments(of: pid).contains { $0.hasPrefix(bench.scratch.path) }
        }
    }

    @Test func itGetsAllThroughItsInputAndNothingInItsArguments() async throws {
        try await run { runner, _ in
            let result = try await runner.run(Command(Self.tool, ["map", "a b", ""], input: [65, 66]), to: "test")
            #expect(result.succeeded)
            #expect(try result.output == "\(pid(result)) 0 \u{3}map|a b||AB\n")
        }
    }

    @Test func theNextOneWaitsAlready() async throws {
        try await run { runner, bench in
            _ = try await runner.run(Command(Self.tool, ["first"]), to: "test")
            try await waitUntil { try companions(bench).count == WaitingChildren.number }
            let waiting = try companions(bench)
            let result = try await runner.run(Command(Self.tool, ["second"]), to: "test")
            #expect(try waiting.contains(pid(result)))
            #expect(result.output.contains("second"))
        }
    }

    @Test func thoseThatWereKilledWhileTheyWaitedCostNoCall() async throws {
        try await run { runner, bench in
            _ = try await runner.run(Command(Self.tool, ["first"]), to: "test")
            try await waitUntil { try companions(bench).count == WaitingChildren.number }
            let waiting = try companions(bench)
            for pid in waiting { kill(pid, SIGKILL) }
            // Their parent has to see that before it can know.
            try await waitUntil { try ProcessTable.pids().allSatisfy { !waiting.contains($0) } }
            let result = try await runner.run(Command(Self.tool, ["second"]), to: "test")
            #expect(result.output.contains("second"))
        }
    }

    @Test func manyAtOnceAllGetTheirOwnRequest() async throws {
        try await run { runner, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let result = try await runner.run(Command(Self.tool, ["number \(number)."]), to: "test")
                        #expect(result.output.contains("number \(number)."))
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func noneIsLeftWhenItsRunnerHasGone() async throws {
        try await run { runner, bench in
            _ = try await runner.run(Command(Self.tool, ["only"]), to: "test")
            try await waitUntil { try companions(bench).count == WaitingChildren.number }
        }
        try await waitUntil {
            try !ProcessTable.pids().contains { pid in
                ProcessTable.arguments(of: pid).contains { $0.hasSuffix(Self.tool.name) }
            }
        }
    }

    @Test func whatIsTooMuchToAskIsRefused() async throws {
        try await run { runner, _ in
            let long = String(repeating: "x", count: KernelRequest.limit)
            let error = await errorOf { _ = try await runner.run(Command(Self.tool, [long]), to: "test") }
            #expect(error?.code == .unsupported)
            #expect(error?.outcome == .refused)
        }
    }
}
