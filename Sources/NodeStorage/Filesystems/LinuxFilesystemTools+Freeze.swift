import Glibc
import Synchronization
import VolumeCore

/// A filesystem that nobody can write to while its image is snapshot.
extension LinuxFilesystemTools {
    /// What is left of a freeze that takes longer to begin, the companion undoes by itself.
    private static let longestStart = Duration.seconds(5)
    private static let longestEnd = Duration.seconds(5)

    public func freeze(_ device: String, mountpoint: String, atMost limit: Duration) async throws {
        let what = "freeze the filesystem at \(mountpoint)"
        let request = MountRequest.freeze(device, at: mountpoint, atMost: limit)
        do {
            let held = try await runner.hold(request, to: what, within: kernel.timeLeft(Self.longestStart))
            freezes.add(held, of: device)
        } catch let error as BrokenOff {
            let reason = error.result.reason(of: .kernel)
            switch error.result.exitStatus {
            case ENOENT: throw Self.notMounted(device, mountpoint, what)
            case EOPNOTSUPP, ENOTTY: throw VolumeError(.unsupported, what, why: reason, outcome: .refused)
            default: throw VolumeError(.unavailable, what, why: reason)
            }
        }
    }

    public func thaw(_ device: String, mountpoint: String) async throws -> Bool {
        let what = "thaw the filesystem at \(mountpoint)"
        let held = freezes.take(device)
        if let held, let result = try? await held.release(within: Self.longestEnd), result.succeeded {
            return result.output.contains("in time")
        }
        // Of an earlier run of the plugin, or the companion has been killed.
        let request = MountRequest.thaw(device, at: mountpoint, within: timeout)
        let result = try await runner.run(request, to: what)
        if result.succeeded { return held == nil && result.output.contains("was frozen") }
        if result.exitStatus == ENOENT { throw Self.notMounted(device, mountpoint, what) }
        throw VolumeError(.unavailable, what, why: result.reason(of: .kernel))
    }
}

/// The filesystems that are frozen, by their devices.
final class RunningFreezes: Sendable {
    private let held = Mutex<[String: any HeldCommand]>([:])

    func add(_ command: any HeldCommand, of device: String) { held.withLock { $0[device] = command } }

    func take(_ device: String) -> (any HeldCommand)? { held.withLock { $0.removeValue(forKey: device) } }
}
