import Glibc
import MountInfo
import SystemPackage
import VolumeCore

/// Mounts with mount(2) and unmounts with umount2(2), in a child process: the kernel may keep who asks it waiting.
public struct LinuxMounter: Mounter {
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let root: MountRoot
    private let timeout: Duration

    /// - Parameters:
    ///   - root: the folder that all mountpoints are in. It must exist; a mountpoint elsewhere is refused.
    ///   - timeout: how long one mount or unmount may take.
    /// - Throws: `VolumeError` when `root` is no absolute path.
    public init(
        runner: any CommandRunner, kernel: KernelCalls, root: String, timeout: Duration = .seconds(20)
    ) throws {
        self.runner = runner
        self.kernel = kernel
        self.root = try MountRoot(root)
        self.timeout = timeout
    }

    public func mount(
        _ device: String, at mountpoint: String, _ filesystem: FilesystemType, options: [String]
    ) async throws {
        let what = "mount \(device) at \(mountpoint)"
        let steps = try root.steps(to: mountpoint, for: what)
        guard device.hasPrefix("/dev/"), !device.utf8.contains(0) else {
            throw VolumeError.defect(what, "it is not a device below /dev", outcome: .refused)
        }
        if let present = try await mounted(at: mountpoint) {
            if present.device == device { return }
            throw VolumeError(
                .conflict, what, why: "\(present.device) is mounted there",
                remedy: "find out what it is, and unmount it", outcome: .refused)
        }
        try await makeMountpoint(steps, what)
        do {
            try await callMount(device, at: mountpoint, filesystem, options, what)
        } catch {
            // What is left of an empty folder does no harm, and must not hide why the mount failed.
            try? await Task.detached { try await removeMountpoint(steps, in: root, what) }.value
            throw error
        }
    }

    public func hold(_ device: String) async throws -> HeldDevice { try await kernel.hold(device) }

    private func callMount(
        _ device: String, at mountpoint: String, _ filesystem: FilesystemType, _ options: [String], _ what: String
    ) async throws {
        var options = MountOptions(options)
        if filesystem.commands.mayPanic, !options.saysWhatErrorsDo, try await stopsTheHost(device, what) {
            options.addRemountOnErrors()
        }
        var result = try await call(device, at: mountpoint, filesystem, options, what)
        if let status = result?.exitStatus, [EROFS, EACCES].contains(status), !options.isReadOnly {
            // The device is read-only, as one is that was mapped so.
            result = try await call(device, at: mountpoint, filesystem, options.readOnly, what)
        }
        guard let result, !result.succeeded else { return }
        throw try await explain(result, device, filesystem, options, what)
    }

    /// Whether the filesystem itself demands a kernel panic at its first error, as one that came in by `adopt` may: a Ceph
    /// that does not answer, or a fence, would stop the host then.
    private func stopsTheHost(_ device: String, _ what: String) async throws -> Bool {
        try await kernel.runOnDevice("read \(device)", to: what) {
            Ext4Superblock(head: try SmallFile.bytes(of: device, limit: Ext4Superblock.end)).panicsOnErrors
        }
    }

    /// - Returns: `nil` when no answer came, but it is mounted.
    private func call(
        _ device: String, at mountpoint: String, _ filesystem: FilesystemType, _ options: MountOptions, _ what: String
    ) async throws -> CommandResult? {
        do {
            return try await runner.run(
                MountRequest.mount(device, at: mountpoint, filesystem.rawValue, options, within: timeout), to: what)
        } catch let error as VolumeError where error.outcome == .unknown {
            // Cancellation and the deadline must not keep the truth from being read.
            if try await readBack(mountpoint)?.device == device { return nil }
            throw error
        }
    }

    /// Finds out why mount(2) failed, by looking: its error number alone says little.
    private func explain(
        _ result: CommandResult, _ device: String, _ filesystem: FilesystemType, _ options: MountOptions, _ what: String
    ) async throws -> VolumeError {
        let reason = result.reason(of: .kernel)
        let drivers = try await kernel.run("read /proc/filesystems", to: what) {
            try SmallFile.read("/proc/filesystems")
        }
        let found = try? await kernel.runOnDevice("read \(device)", to: what) {
            try FilesystemSignature.read(device).found
        }
        if let found, !found.contains(filesystem) {
            return VolumeError.wrongFilesystem(
                what, wanted: filesystem, found: found, told: reason, outcome: .failed)
        }
        guard drivers.split(whereSeparator: \.isWhitespace).contains(where: { $0 == filesystem.rawValue }) else {
            return VolumeError(
                .unsupported, what, why: reason,
                remedy:
                    "the kernel has no \(filesystem.rawValue) driver: load it with 'modprobe \(filesystem.rawValue)'")
        }
        if result.exitStatus == EINVAL && !options.data.isEmpty {
            return VolumeError(
                .invalidOption, what,
                why: "\(reason); \(filesystem.rawValue) may not know all options of '\(options.data)'",
                remedy: "check mount-options; the kernel's log (dmesg) names the option that it does not know")
        }
        // A damaged superblock is told as an invalid argument, damage elsewhere as any of these.
        let isDamaged = [EUCLEAN, EBADMSG, EINVAL].contains(result.exitStatus)
        return VolumeError(
            isDamaged ? .damaged : .unavailable, what,
            why: "the kernel cannot mount its \(filesystem.rawValue) filesystem: \(reason)",
            remedy: "the kernel's log (dmesg) often says more; if it reports damage, map the image by hand and run "
                + "'\(filesystem.commands.look)', which changes nothing")
    }

    public func unmount(_ mountpoint: String, of device: String?) async throws {
        let what = "unmount \(mountpoint)"
        // Elsewhere only what the caller knows to be there is touched.
        let (root, steps) =
            device == nil
            ? (root: self.root, steps: try self.root.steps(to: mountpoint, for: what)) : try place(mountpoint, what)
        // What is stacked on one mountpoint goes one by one; the bound only guards against a loop.
        for _ in 0..<16 {
            guard let present = try await mounted(at: mountpoint) else {
                return try await removeMountpoint(steps, in: root, what)
            }
            guard device == nil || present.device == device else {
                return try await refuseIfCovered(mountpoint, device, by: present.device, what)
            }
            try await callUnmount(mountpoint, what)
        }
        throw VolumeError(.unexplained, what, why: "something keeps mounting there")
    }

    private func refuseIfCovered(_ mountpoint: String, _ device: String?, by other: String, _ what: String) async throws
    {
        guard let device, try await entries(of: device, what).contains(where: { $0 == mountpoint }) else { return }
        throw VolumeError(
            .busy, what, why: "\(other) is mounted over \(device)", remedy: "unmount that first", outcome: .refused)
    }

    public func mountpoints(of device: String) async throws -> [String] {
        try await entries(of: device, "look where \(device) is mounted")
    }

    private func entries(of device: String, _ what: String) async throws -> [String] {
        try await kernel.run("read /proc/self/mountinfo", to: what) {
            try MountTable.read().entries.filter { $0.source == device && $0.root == "/" }.map(\.mountpoint)
        }
    }

    /// Where a mountpoint is: below the root; or elsewhere, where an earlier run had its root.
    private func place(_ mountpoint: String, _ what: String) throws -> (root: MountRoot, steps: [String]) {
        if mountpoint.hasPrefix(root.path + "/") { return (root, try root.steps(to: mountpoint, for: what)) }
        return try MountRoot.holding(mountpoint, for: what)
    }

    /// Who looks through all filesystems has a file open for a moment, and a child that was just forked has its parent's
    /// files until it runs its program: only what stays in use is busy.
    private static let patience = Duration.milliseconds(500)

    private func callUnmount(_ mountpoint: String, _ what: String) async throws {
        let patience = ContinuousClock.now + Self.patience
        while let failed = try await tryUnmount(mountpoint, what) {
            let reason = failed.reason(of: .kernel)
            guard failed.exitStatus == EBUSY else { throw VolumeError(.unavailable, what, why: reason) }
            guard ContinuousClock.now < patience else {
                let users = try await kernel.run("read /proc", to: what) {
                    DeviceHolders.users(ofMountpoint: mountpoint)
                }
                throw VolumeError.busy(what, reason, users: users, outcome: .failed)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// - Returns: how it failed, when it is still mounted.
    private func tryUnmount(_ mountpoint: String, _ what: String) async throws -> CommandResult? {
        do {
            let result = try await runner.run(MountRequest.unmount(mountpoint, within: timeout), to: what)
            if result.succeeded { return nil }
            return try await mounted(at: mountpoint) == nil ? nil : result
        } catch let error as VolumeError where error.outcome == .unknown {
            if try await readBack(mountpoint) == nil { return nil }
            throw error
        }
    }

    public func mounted(at mountpoint: String) async throws -> MountedFilesystem? {
        let what = "look at \(mountpoint)"
        let (root, steps) = try place(mountpoint, what)
        return try await kernel.run("read /proc/self/mountinfo", to: what) {
            guard let folder = try root.resolvedIfPresent() else { return nil }
            let path = ([folder] + steps).joined(separator: "/")
            return try MountTable.read().topmost(at: path).map {
                MountedFilesystem(device: $0.source, filesystem: $0.filesystem, readOnly: $0.isReadOnly)
            }
        }
    }

    public func isInUse(_ device: String) async throws -> Bool {
        let what = "find out whether \(device) is in use"
        return try await kernel.runOnDevice("open \(device)", to: what) {
            let block = BlockDevice(device)
            do {
                return try block.isClaimed() || !DeviceHolders.openers(of: block).isEmpty
            } catch let error as Errno where [ENOENT, ENODEV, ENXIO].contains(error.rawValue) {
                return false
            }
        }
    }

    /// Looks at the mountpoint although the operation's time is up, or its task cancelled: the answer decides what is
    /// said of a call whose outcome is unknown.
    private func readBack(_ mountpoint: String) async throws -> MountedFilesystem? {
        try await Task.detached { try await mounted(at: mountpoint) }.value
    }

    private func makeMountpoint(_ steps: [String], _ what: String) async throws {
        try await kernel.runOnDevice("mkdir \(steps.joined(separator: "/"))", to: what) { [root] in
            do {
                try root.withFolder(steps, make: true) { _ in }
            } catch let error as Errno where error == .notDirectory || error == .tooManySymbolicLinkLevels {
                throw VolumeError(
                    .unexplained, what, why: "the mountpoint already exists and is not a folder",
                    remedy: "look at it, and move it out of the way", outcome: .refused)
            }
        }
    }

    /// Removes the empty mountpoint; one that is not empty, or was never made, is left as it is.
    private func removeMountpoint(_ steps: [String], in root: MountRoot, _ what: String) async throws {
        guard let last = steps.last else { return }
        try await kernel.runOnDevice("rmdir \(steps.joined(separator: "/"))", to: what) {
            do {
                try root.withFolder(steps.dropLast()) { folder in
                    _ = try SystemCall.check { unlinkat(folder.rawValue, last, AT_REMOVEDIR) }
                }
            } catch let error as Errno where [.noSuchFileOrDirectory, .directoryNotEmpty].contains(error) {
                return
            } catch let error as Errno where [.notDirectory, .resourceBusy].contains(error) {
                // No folder: not ours. Busy: mounted again meanwhile.
                return
            }
        }
    }

    public func prepareRoot(of mountpoint: String, spec: VolumeSpec) async throws {
        let what = "prepare the root of \(mountpoint)"
        let steps = try root.steps(to: mountpoint, for: what)
        guard let present = try await mounted(at: mountpoint) else {
            throw VolumeError.defect(what, "nothing is mounted there", outcome: .refused)
        }
        if present.readOnly { return }
        try await kernel.runOnDevice("chown \(mountpoint)", to: what) { [root] in
            try root.withFolder(steps) { try VolumeRoot(folder: $0).prepare(spec) }
        }
    }
}
