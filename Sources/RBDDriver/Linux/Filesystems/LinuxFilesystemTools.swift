import SystemPackage
import VolumeCore

/// Checks and grows filesystems with the filesystems' own tools.
public struct LinuxFilesystemTools: FilesystemTools {
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let timeout: Duration

    /// - Parameter timeout: how long one check or one growing may take.
    public init(runner: any CommandRunner, kernel: KernelCalls, timeout: Duration = .seconds(20)) {
        self.runner = runner
        self.kernel = kernel
        self.timeout = timeout
    }

    /// - Throws: `VolumeError`: `busy` when the device is mounted or being checked; `damaged` when a person has to look;
    ///   `unfinished` when the check repaired something that makes it necessary to map the device anew before it is
    ///   mounted; `unavailable` when the check itself failed.
    public func check(_ device: String, _ filesystem: FilesystemType) async throws {
        let what = "check the filesystem on \(device)"
        let (isClaimed, signature) = try await kernel.runOnDevice("read \(device)", to: what) {
            (try BlockDevice(device).isClaimed(), try FilesystemSignature.read(device))
        }
        if isClaimed {
            throw VolumeError(
                .busy, what, why: "the device is mounted, or something else has it to itself", outcome: .refused)
        }
        guard signature.found.contains(filesystem) else {
            throw VolumeError(
                .damaged, what, why: FilesystemSignature.lack(of: filesystem, signature.found),
                remedy: "look at the image by hand; nothing was changed", outcome: .refused)
        }
        if filesystem == .ext4 { try await checkExt4(device, what) }
    }

    private func checkExt4(_ device: String, _ what: String) async throws {
        let command = Command(.e2fsck, ["-p", device], timeout: timeout)
        let result = try await runner.run(command, to: what)
        switch E2fsckVerdict(result) {
        case .sound: return
        case .mapAnew:
            throw VolumeError(
                .unfinished, what, why: "it was repaired: \(result.reason(of: .e2fsck))",
                remedy: "mount the volume again, which maps the device anew")
        case .damaged:
            throw VolumeError(
                .damaged, what, why: result.reason(of: .e2fsck),
                remedy: "map the image by hand, run 'e2fsck -f' on it and answer its questions")
        case .failed:
            throw VolumeError(
                .unavailable, what, why: result.reason(of: .e2fsck),
                remedy: "the check could not be made, so nothing was mounted; try again")
        }
    }

    /// - Throws: `VolumeError`: `unsupported` when a capability is missing that ext4 wants for growing while mounted.
    public func grow(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws {
        let what = "grow the filesystem on \(device)"
        let command =
            switch filesystem {
            case .ext4: Command(.resize2fs, [device], timeout: timeout)
            case .xfs: Command(.xfsGrowfs, ["-d", mountpoint], timeout: timeout)
            case .btrfs: Command(.btrfs, ["filesystem", "resize", "max", mountpoint], timeout: timeout)
            }
        let result = try await runner.run(command, to: what)
        if result.succeeded { return }
        let reason = result.reason(of: command.tool)
        let needed = Capability.sysResource
        if filesystem == .ext4, try await !kernel.run("read /proc/self/status", to: what, { try needed.isHeld() }) {
            throw VolumeError(
                .unsupported, what, why: "\(reason); the plugin has not got \(needed.name)",
                remedy: "give the plugin that capability, which ext4 demands for growing while mounted")
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
