import Glibc
import PortContracts
import RBDDriver
import RealParts
import Synchronization
import Testing
import VolumeCore

@testable import NodeStorage

@Suite struct ChildProcessTests {
    private let shell = Tool("sh", package: "dash")
    private let runner = ChildProcess(clock: SystemClock())

    private func run(_ script: String, timeout: Duration = .seconds(30)) async throws -> CommandResult {
        try await runner.run(Command(shell, ["-c", script], timeout: timeout), to: "test")
    }

    @Test func statusOutputAndErrorsComeBack() async throws {
        let result = try await run("echo out; echo err >&2; exit 3")
        #expect(result == CommandResult(.exited(3), output: "out\n", errors: "err\n"))
        #expect(!result.succeeded)
    }

    @Test func aSignalIsTold() async throws {
        let result = try await run("kill -USR1 $$")
        #expect(result.ending == .killed(signal: SIGUSR1))
        #expect(result.reason(of: shell) == "sh was ended by signal \(SIGUSR1)")
    }

    @Test func argumentsAreNeverRead_asAShellWould() async throws {
        let odd = "a b; $(id) `id` * \"'\\ -\n,"
        let result = try await runner.run(Command(Tool("printf", package: "coreutils"), ["%s", odd]), to: "test")
        #expect(result.output == odd)
    }

    @Test func theChildHasAMinimalEnvironmentAndNoOtherDescriptors() async throws {
        setenv("RBD_PLUGIN_TEST_SECRET", "hidden", 1)
        let inherited = open("/etc/hostname", O_RDONLY)
        defer { close(inherited) }
        let result = try await run("env; pwd")
        #expect(!result.output.contains("hidden"))
        #expect(result.output.contains("LC_ALL=C\n"))
        #expect(result.output.hasSuffix("\n/\n"))
        // 3 is the folder that ls reads.
        let list = Command(Tool("ls", package: "coreutils"), ["/proc/self/fd"])
        #expect(try await runner.run(list, to: "test").output == "0\n1\n2\n3\n")
    }

    @Test func theInputReachesTheChild() async throws {
        let command = Command(Tool("cat", package: "coreutils"), [], input: Array("secret\n".utf8))
        #expect(try await runner.run(command, to: "test").output == "secret\n")
    }

    @Test func aChildThatDoesNotReadItsInputDoesNoHarm() async throws {
        let command = Command(Tool("true", package: "coreutils"), [], input: Array("secret\n".utf8))
        #expect(try await runner.run(command, to: "test").succeeded)
    }

    @Test func aFloodIsReadToTheEndAndCut() async throws {
        let command = Command(
            shell,
            [
                "-c",
                "head -c 50000000 /dev/zero | tr '\\0' x; head -c 20000000 /dev/zero | tr '\\0' y >&2; echo end >&2",
            ],
            timeout: .seconds(60), outputLimit: 1000)
        let result = try await runner.run(command, to: "test")
        #expect(result.succeeded)
        #expect(result.output == String(repeating: "x", count: 1000))
        #expect(result.outputIsCut)
        #expect(result.errors.hasSuffix("yyyend\n"))
        #expect(result.errors.utf8.count <= 16 << 10)
    }

    @Test func theDeadlineEndsTheChildWithAllItsDescendants() async throws {
        let mark = "3\(UInt32.random(in: 100_000...999_999))"
        let error = await errorOf {
            _ = try await run("sh -c 'sleep \(mark); true' & trap '' TERM; sleep \(mark)", timeout: .milliseconds(300))
        }
        #expect(error?.code == .timedOut)
        #expect(error?.outcome == .unknown)
        #expect(error?.why.contains("sh did not end within") == true)
        try await waitUntil { try !ProcessTable.pids().contains { ProcessTable.arguments(of: $0).contains(mark) } }
        #expect(runner.stuckChildren == 0)
    }

    @Test func theOperationsDeadlineCutsTheTimeout() async throws {
        let clock = SystemClock()
        let error = await errorOf {
            try await Deadline.$current.withValue(clock.now() + .milliseconds(200)) {
                _ = try await run("sleep 1000")
            }
        }
        #expect(error?.code == .timedOut)
        let late = await errorOf {
            try await Deadline.$current.withValue(clock.now()) { _ = try await run("echo never") }
        }
        #expect(late?.why.contains("it was not started") == true)
        #expect(late?.outcome == .failed)
    }

    @Test func cancellationEndsTheChild() async throws {
        let mark = "4\(UInt32.random(in: 100_000...999_999))"
        let task = Task { try await run("sleep \(mark)") }
        try await waitUntil {
            try !ProcessTable.pids().filter { ProcessTable.arguments(of: $0) == ["sleep", mark] }.isEmpty
        }
        task.cancel()
        let error = await errorOf { _ = try await task.value }
        #expect(error?.outcome == .unknown)
        try await waitUntil { try !ProcessTable.pids().contains { ProcessTable.arguments(of: $0).contains(mark) } }
    }

    @Test func aGrandchildThatKeepsTheOutputOpenDoesNotHoldTheCaller() async throws {
        let result = try await run("sleep 1000 & echo $!")
        let pid = try #require(Int32(result.output.split(separator: "\n").first ?? ""))
        kill(pid, SIGKILL)
        #expect(result.succeeded)
    }

    @Test func aChildThatClosesItsOutputAndGoesOnIsStillEnded() async throws {
        let error = await errorOf { _ = try await run("exec >&- 2>&-; sleep 1000", timeout: .milliseconds(300)) }
        #expect(error?.code == .timedOut)
    }

    @Test func aChildThatCannotBeKilledDoesNotHoldTheCaller() async throws {
        // Signals that are never delivered stand for a child in uninterruptible sleep.
        let undelivered = Mutex<[CInt]>([])
        let deaf = ChildProcess(
            clock: SystemClock(), grace: .init(afterTerminate: .milliseconds(50), afterKill: .milliseconds(50))
        ) { _, signal in undelivered.withLock { $0.append(signal) } }
        let late = Mutex<CommandResult?>(nil)
        let error = await errorOf {
            _ = try await deaf.run(
                Command(shell, ["-c", "sleep 5; echo done"], timeout: .milliseconds(50)), to: "map image rbd/x"
            ) { result in late.withLock { $0 = result } }
        }
        #expect(error?.outcome == .unknown)
        #expect(error?.why.contains("waits in the kernel") == true)
        #expect(deaf.stuckChildren == 1)
        #expect(undelivered.withLock { $0 } == [SIGTERM, SIGKILL])
        let again = await errorOf {
            _ = try await deaf.run(Command(shell, ["-c", "sleep 5; echo done"]), to: "map image rbd/x")
        }
        #expect(again?.why == "an earlier sh with the same arguments still waits in the kernel")
        try await waitUntil { late.withLock { $0 } != nil }
        #expect(late.withLock { $0 } == CommandResult(.exited(0), output: "done\n"))
        #expect(deaf.stuckChildren == 0)
    }

    @Test func aMissingToolIsNamedWithItsPackage() async throws {
        let error = await errorOf {
            _ = try await runner.run(Command(Tool("no-such-tool", package: "some-package"), []), to: "test")
        }
        #expect(error?.code == .unsupported)
        #expect(
            error?.description
                == "cannot test: the program no-such-tool is not installed; install the package some-package")
    }

    @Test func aFailureCarriesTheToolsWords() async throws {
        let error = await errorOf {
            try await runner.succeed(
                Command(shell, ["-c", "echo 'no  space' >&2; echo; echo left >&2; exit 7"]), to: "make it")
        }
        #expect(error?.description == "cannot make it: sh ended with status 7: no  space; left")
    }

    @Test func manyAtOnceAllComeBack() async throws {
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<40 { group.addTask { try await run("echo \(number)").output } }
            var seen: Set<String> = []
            for try await output in group { seen.insert(output) }
            #expect(seen.count == 40)
        }
    }

    @Test func sbinIsSearchedEvenWhenThePathLacksIt() {
        #expect(SearchPath.standard.folders.contains("/usr/sbin"))
        #expect(SearchPath(["bin", "", "/bin"]).folders == ["/bin"])
        #expect(SearchPath(["/etc"]).find("passwd") == nil, "a file that is not executable is no program")
    }

    @Test func onlyACompanionIsLookedUpBesideTheProgramFirst() {
        let path = SearchPath(["/bin"], ownFolder: "/usr/bin")
        #expect(path.find(Tool("true", package: "p")) == "/bin/true")
        #expect(path.find(Tool("true", package: "p", isCompanion: true)) == "/usr/bin/true")
        let elsewhere = SearchPath(["/bin"], ownFolder: "/etc")
        #expect(elsewhere.find(Tool("true", package: "p", isCompanion: true)) == "/bin/true")
        #expect(SearchPath.standard.find(.kernel)?.hasPrefix("/") == true, "it is built beside the tests")
    }
}

@Suite struct KeptOutputTests {
    @Test func theBeginningIsKeptForParsing() {
        var kept = KeptOutput(.first, limit: 4)
        kept.append(Array("abc".utf8))
        #expect(!kept.isCut)
        kept.append(Array("def".utf8))
        #expect(kept.text == "abcd")
        #expect(kept.isCut)
    }

    @Test func theEndIsKeptForErrors() {
        var kept = KeptOutput(.last, limit: 4)
        for text in ["ab", "cdefgh", "ijk", "l"] { kept.append(Array(text.utf8)) }
        #expect(kept.text == "ijkl")
    }

    @Test func wordsAreOneLineWithoutControlCharacters() {
        #expect(CommandResult.oneLine("  a\u{1b}[1m b\r\n\n\tc \n") == "a[1m b; c")
        #expect(CommandResult.oneLine(String(repeating: "x", count: 700) + "end").hasSuffix("xend"))
        #expect(CommandResult.oneLine(String(repeating: "x", count: 700)).count == 601)
    }
}
