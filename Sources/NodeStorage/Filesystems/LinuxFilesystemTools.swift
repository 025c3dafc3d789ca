import Glibc
import SystemPackage
import VolumeCore

/// Checks and grows filesystems with the filesystems' own tools.
public struct LinuxFilesystemTools: FilesystemTools {
    let runner: any CommandRunner
    let kernel: KernelCalls
    let timeout: Duration
    private let checks = RunningChecks()
    let freezes = RunningFreezes()

    /// What a call keeps for what comes after the check: to mount, or to record that the check goes on. A quarter of what it
    /// has left, where that is less.
    private static let reserve = Duration.seconds(4)
    /// A check ends when it is done.
    private static let noLimit = Duration.seconds(365 * 86_400)

    /// - Parameter timeout: how long one growing may take, and how long one call waits for a check.
    public init(runner: any CommandRunner, kernel: KernelCalls, timeout: Duration = .seconds(20)) {
        self.runner = runner
        self.kernel = kernel
        self.timeout = timeout
    }

    /// - Throws: `VolumeError`: `busy` when the device is mounted or being checked; `damaged` when a person has to look;
    ///   `unfinished` when the check repaired something that makes it necessary to map the device anew before it is
    ///   mounted; `unavailable` when the check itself failed; `checking` when it goes on beyond this call.
    public func check(_ device: String, _ filesystem: FilesystemType) async throws {
        let what = "check the \(filesystem.rawValue) filesystem on \(device)"
        if let running = checks.running(on: device) { return try await verdict(of: running, device, what) }
        let now = UInt64(max(0, time(nil)))
        let look = try await kernel.runOnDevice("read \(device)", to: what) {
            try BlockDevice(device).isClaimed() ? nil : try Self.look(at: device, filesystem, now: now)
        }
        guard let (signature, doubt) = look else {
            if let checker = try await checkers(of: device, what).first {
                throw Self.goesOn(what, "by \(checker), which an earlier run of the plugin started")
            }
            throw VolumeError(
                .busy, what, why: "the device is mounted, or something else uses it exclusively", outcome: .refused)
        }
        guard signature.found.contains(filesystem) else {
            throw VolumeError.wrongFilesystem(what, wanted: filesystem, found: signature.found)
        }
        guard filesystem.commands.isCheckedByE2fsck else { return }
        let disk = try await kernel.run("read the sequence of \(device)", to: what) {
            try BlockDevice(device).diskSequence()
        }
        // What an e2fsck has found that nobody has heard of yet counts more than what it left behind.
        if doubt == nil, checks.known(on: device, disk: disk) == nil { return }
        try await runE2fsck(device, disk, what)
    }

    /// What is on the device, and whether e2fsck would do anything about it. Blocking.
    private static func look(
        at device: String, _ filesystem: FilesystemType, now: UInt64
    ) throws -> (FilesystemSignature, Ext4Doubt?) {
        let size = try BlockDevice(device).size()?.bytes ?? 0
        let pieces = try DevicePieces(device)
        let start = 0..<UInt64(FilesystemSignature.length)
        pieces.announce([start] + (filesystem == .ext4 ? Ext4Look.guesses(size: size) : []))
        let head = try pieces.read(start)
        let signature = FilesystemSignature(head: head.bytes)
        guard filesystem == .ext4, signature.found.contains(.ext4) else { return (signature, .noSuperblock) }
        return (signature, Ext4Look(head: head, size: size, now: now).doubt(in: pieces))
    }

    private func runE2fsck(_ device: String, _ disk: String?, _ what: String) async throws {
        // Where disks cannot be told apart, a verdict that nobody has heard is nobody's.
        let unknown = "\(ContinuousClock.now)"
        let e2fsck = try await Command(.e2fsck, ["-p", "-C", "1", device], timeout: Self.noLimit)
            .keeping([]).apart(kernel, to: what)
        let check = try checks.check(device, disk: disk ?? unknown) { [runner] log in
            var command = e2fsck
            command.log = log
            return try await runner.run(command, to: what)
        }
        try await verdict(of: check, device, what)
    }

    /// Waits for the check as long as this call can.
    private func verdict(of check: RunningChecks.Check, _ device: String, _ what: String) async throws {
        let left = kernel.timeLeft(timeout + Self.reserve)
        let giveUp = ContinuousClock.now + max(.zero, left - min(Self.reserve, left / 4))
        var pause = Duration.milliseconds(1)
        while check.ended == nil {
            guard ContinuousClock.now < giveUp, !Task.isCancelled else {
                throw Self.goesOn(what, E2fsckProgress(check.log.text()).percent.map { "\($0) % done" })
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
        checks.forget(check, on: device)
        guard var result = try check.ended?.get() else { return }
        result.errors = E2fsckProgress(result.errors).words
        try judge(result, what)
    }

    private static func goesOn(_ what: String, _ progress: String?) -> VolumeError {
        VolumeError(
            .checking, what, why: "the filesystem is being checked" + (progress.map { ", \($0)" } ?? ""),
            remedy: "the check goes on by itself; mount the volume again in a while")
    }

    public func isChecking(_ device: String) async throws -> Bool {
        if checks.running(on: device) != nil { return true }
        let what = "look for a check of \(device)"
        let isClaimed = try await kernel.runOnDevice("read \(device)", to: what) {
            // What cannot be opened, or is gone, nobody checks.
            (try? BlockDevice(device).isClaimed()) ?? false
        }
        guard isClaimed else { return false }
        return try await !checkers(of: device, what).isEmpty
    }

    /// The processes of e2fsck that have the device open.
    private func checkers(of device: String, _ what: String) async throws -> [String] {
        try await kernel.run("read /proc", to: what) {
            DeviceHolders.openers(of: BlockDevice(device)).filter { $0.hasPrefix("\(Tool.e2fsck.name) ") }
        }
    }

    private func judge(_ result: CommandResult, _ what: String) throws {
        switch E2fsckVerdict(result) {
        case .sound: return
        case .mapAnew:
            throw VolumeError(
                .unfinished, what, why: "it was repaired: \(result.reason(of: .e2fsck))",
                remedy: "mount the volume again: that maps the image again")
        case .damaged:
            throw VolumeError(
                .damaged, what, why: result.reason(of: .e2fsck),
                remedy: "map the image by hand, run 'e2fsck -f' on it and answer its questions")
        case .failed:
            throw VolumeError(
                .unavailable, what, why: result.reason(of: .e2fsck),
                remedy:
                    "the check failed, so nothing was mounted; try again, and if that does not help, map the image by"
                    + " hand and run 'e2fsck -f' on it")
        }
    }

    /// - Throws: `VolumeError`: `unsupported` when a capability is missing that ext4 wants for growing while mounted.
    public func grow(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws {
        let what = "grow the filesystem on \(device)"
        let growing = filesystem.commands.grow(device, mountpoint)
        let command = Command(growing.tool, growing.arguments, timeout: timeout)
        // Each of them opens the volume's root folder, which may be somebody's own.
        let result = try await runner.run(
            command.keeping([growing.capability, .dacOverride]).apart(kernel, to: what), to: what)
        if result.succeeded { return }
        let reason = result.reason(of: command.tool)
        let needed = growing.capability
        if try await !kernel.run("read /proc/self/status", to: what, { try needed.isHeld() }) {
            throw VolumeError(
                .unsupported, what, why: "\(reason); the plugin lacks \(needed.name)",
                remedy: "give the plugin that capability: \(filesystem.rawValue) needs it to grow while it is mounted")
        }
        throw VolumeError(.unavailable, what, why: reason)
    }
}

/// What the exit status of `e2fsck -p` means (e2fsck(8)); the status is a sum of bits.
enum E2fsckVerdict: Sendable, Hashable {
    /// 0 nothing to do, 1 repaired.
    case sound
    /// 2: repaired, but the kernel may have read what was there before.
    case mapAnew
    /// 4: errors are left that need a person.
    case damaged
    /// 8 and above: the check itself failed. Nothing is known of the filesystem.
    case failed

    init(_ result: CommandResult) {
        guard let status = result.exitStatus, status & ~7 == 0 else {
            self = .failed
            return
        }
        self = status & 4 != 0 ? .damaged : status & 2 != 0 ? .mapAnew : .sound
    }
}
