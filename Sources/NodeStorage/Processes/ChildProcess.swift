import Blocking
import Glibc
import KernelRequest
import Subprocess
import Synchronization
import SystemPackage
import VolumeCore

/// Runs each command as a child process of its own session, with a deadline.
///
/// The child gets an argument array, the working directory `/`, a minimal environment, `/dev/null` or the command's
/// bytes as standard input, and no other descriptor of this process. At the deadline, or when the task is cancelled, its
/// whole process group gets SIGTERM and then SIGKILL. A child that not even SIGKILL ends, because it waits in the kernel
/// for a disk, does not hold the caller: it is counted as stuck and reaped in the background whenever it ends. Until
/// then the same command is not started again, so that repeated attempts pile up no processes.
///
/// A companion program is started ahead, and gets its arguments when there is something to do.
public struct ChildProcess: CommandRunner {
    /// How long a child may take to end after each signal.
    public struct Grace: Sendable, Hashable {
        public var afterTerminate: Duration
        public var afterKill: Duration

        public init(afterTerminate: Duration = .milliseconds(1000), afterKill: Duration = .milliseconds(500)) {
            self.afterTerminate = afterTerminate
            self.afterKill = afterKill
        }
    }

    private let clock: any DriverClock
    private let searchPath: SearchPath
    private let grace: Grace
    private let stuck = StuckChildren()
    private let waiting = WaitingChildren()
    private let send: @Sendable (pid_t, CInt) -> Void

    public init(clock: any DriverClock, searchPath: SearchPath = .standard, grace: Grace = Grace()) {
        self.init(clock: clock, searchPath: searchPath, grace: grace) { _ = kill(-$0, $1) }
    }

    init(
        clock: any DriverClock, searchPath: SearchPath = .standard, grace: Grace,
        send: @escaping @Sendable (pid_t, CInt) -> Void
    ) {
        self.clock = clock
        self.searchPath = searchPath
        self.grace = grace
        self.send = send
    }

    /// Children that were killed and have not ended yet.
    public var stuckChildren: Int { stuck.count }

    public func run(
        _ command: Command, to what: String, onLate: (@Sendable (CommandResult) async -> Void)?
    ) async throws -> CommandResult {
        let executable = try find(command.tool, to: what)
        let timeout = Deadline.limiting(command.timeout, now: clock.now())
        guard timeout > .zero else {
            throw VolumeError(
                .timedOut, what, why: "no time was left to run \(command.tool.name); it was not started",
                remedy: "try again")
        }
        if Task.isCancelled {
            throw VolumeError(.timedOut, what, why: "the call was cancelled before \(command.tool.name) was started")
        }
        guard !stuck.contains(command) else {
            throw VolumeError.stuck(
                what, "an earlier \(command.tool.name) with the same arguments still waits in the kernel")
        }
        if command.tool.isCompanion {
            let child = try companion(command.tool, executable, to: what)
            let call = ChildCall(command: command, what: what, handle: child.handle)
            return try await wait(for: call, timeout: timeout, onLate: onLate) {
                let result = await call.execute(by: child)
                refillSoon(command.tool, executable)
                return result
            }
        }
        let call = ChildCall(command: command, what: what, handle: ChildHandle(send: send))
        // A help, and no condition: without its companion the program sees what there is, and may do what this one may.
        let companion = command.confinement.isEmpty ? nil : searchPath.find(.kernel)
        let programs = (companion.map { [$0] + command.confinement } ?? []) + [executable]
        return try await wait(for: call, timeout: timeout, onLate: onLate) {
            await call.execute(programs, path: searchPath.text)
        }
    }

    public func hold(_ command: Command, to what: String, within limit: Duration) async throws -> any HeldCommand {
        let executable = try find(command.tool, to: what)
        guard let request = KernelRequest(words: command.arguments).encoded else {
            throw VolumeError.defect(what, "the request to \(command.tool.name) is too long")
        }
        let held = HeldChild(try companion(command.tool, executable, to: what), doing: request, to: what)
        refillSoon(command.tool, executable)
        try await held.firstHalf(within: limit, of: command.tool)
        return held
    }

    private func find(_ tool: Tool, to what: String) throws -> String {
        if let executable = searchPath.find(tool) { return executable }
        throw VolumeError(
            .unsupported, what, why: "the program \(tool.name) is not installed",
            remedy: "install the package \(tool.package)")
    }

    private func companion(_ tool: Tool, _ executable: String, to what: String) throws -> WaitingChild {
        do {
            return try waiting.take(tool) { try start(executable) }
        } catch {
            throw VolumeError(.unavailable, what, why: "\(tool.name) could not be started: \(error)")
        }
    }

    /// Not at once: starting programs would take time from the very call that has used one.
    private func refillSoon(_ tool: Tool, _ executable: String) {
        Task.detached {
            try? await Task.sleep(for: WaitingChildren.pause)
            waiting.refill(tool) { try start(executable) }
        }
    }

    /// Starts a companion that has nothing to do yet.
    private func start(_ executable: String) throws -> WaitingChild {
        try WaitingChild(Spawn(executable: executable, path: searchPath.text), handle: ChildHandle(send: send))
    }

    private func wait(
        for call: ChildCall, timeout: Duration, onLate: (@Sendable (CommandResult) async -> Void)?,
        execute: @escaping @Sendable () async -> Result<CommandResult, any Error>
    ) async throws -> CommandResult {
        // Neither task inherits this one's cancellation: a child is always waited for until it is reaped.
        Task.detached {
            let result = await execute()
            call.handle.close()
            if call.isStuck.exchange(false, ordering: .relaxed) { stuck.remove(call.command) }
            let isLate = !call.outcome.complete(call.verdict(on: result))
            if isLate, let onLate, case .success(let ended) = result { await onLate(ended) }
        }
        let deadline = Task.detached {
            do { try await Task.sleep(for: timeout) } catch { return }
            await end(call, because: .deadline(timeout))
        }
        defer { deadline.cancel() }
        return try await withTaskCancellationHandler {
            try await call.outcome.wait()
        } onCancel: {
            Task.detached { await end(call, because: .cancelled) }
        }
    }

    private func end(_ call: ChildCall, because reason: ChildEnd) async {
        guard !call.handle.isClosed, call.handle.begin(reason) else { return }
        call.handle.signalGroup(SIGTERM)
        if await call.handle.isClosed(within: grace.afterTerminate) { return }
        call.handle.signalGroup(SIGKILL)
        if await call.handle.isClosed(within: grace.afterKill) { return }
        stuck.add(call.command)
        call.isStuck.store(true, ordering: .relaxed)
        // It may have ended between the last look and the mark.
        if call.handle.isClosed, call.isStuck.exchange(false, ordering: .relaxed) { stuck.remove(call.command) }
        call.outcome.complete(.failure(call.forcedEnd(reason, hasEnded: false)))
    }
}

/// Children that were killed and have not ended, by what they were to do.
private final class StuckChildren: Sendable {
    private let commands = Mutex<[Command: Int]>([:])

    var count: Int { commands.withLock { $0.values.reduce(0, +) } }

    func contains(_ command: Command) -> Bool { commands.withLock { $0[Self.key(command)] != nil } }

    func add(_ command: Command) { commands.withLock { $0[Self.key(command), default: 0] += 1 } }

    func remove(_ command: Command) {
        commands.withLock { commands in
            let left = (commands[Self.key(command)] ?? 1) - 1
            commands[Self.key(command)] = left > 0 ? left : nil
        }
    }

    /// The tool and its arguments alone.
    private static func key(_ command: Command) -> Command { Command(command.tool, command.arguments) }
}
