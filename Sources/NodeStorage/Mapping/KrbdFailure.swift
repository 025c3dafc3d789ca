import Glibc
import KernelRequest
import VolumeCore

/// What a failed mapping means. The exit status of `rbd-plugin-kernel` is the error number of the kernel.
enum KrbdFailure {
    static func explain(
        _ result: CommandResult, of command: Command, mapping image: ImageReference, as client: KernelClient,
        what: String
    ) -> VolumeError {
        let reason = result.reason(of: .kernel)
        return switch result.exitStatus {
        case ENXIO:
            VolumeError(
                .unsupported, what, why: "\(reason); the image has features that this kernel does not know",
                remedy:
                    "disable them with 'rbd feature disable \(image) …' ('dmesg' names them), or use another mapper")
        case ENOENT:
            VolumeError(.notFound, what, why: "\(reason); the image or its pool does not exist")
        case EPERM, EACCES:
            VolumeError(
                .unavailable, what, why: reason,
                remedy: "check the key, and that the user's caps have 'profile rbd' for the pool")
        case ESHUTDOWN:
            VolumeError(
                .fenced, what, why: "\(reason); this node's client is on Ceph's blocklist",
                remedy: "look at 'ceph osd blocklist ls', and remove the entry once nothing of the old mapping is left")
        case KernelRequest.keyIsRefused:
            VolumeError(
                .unsupported, what, why: "\(reason); \(refused(client))", remedy: remedy(client), outcome: .refused)
        case ETIMEDOUT:
            VolumeError.stuck(what, reason)
        case EINVAL:
            VolumeError(
                .invalidOption, what, why: reason,
                remedy: "check the map options; 'dmesg' names the one that the kernel does not know"
                    + oldKernel(command))
        default:
            VolumeError(.unavailable, what, why: reason, remedy: "the kernel's log (dmesg) often says more")
        }
    }

    /// What is wrong with the client's key for a kernel that has refused it.
    static func refused(_ client: KernelClient) -> String {
        let type = client.key?.type.map { " is of the type \($0), and" } ?? ""
        return "the key of client.\(client.user)\(type) cannot be used by this kernel"
    }

    private static func remedy(_ client: KernelClient) -> String {
        guard client.key?.type == .aes256k else { return "check the key: 'ceph auth get client.\(client.user)'" }
        return "use Linux 7.0 or later, or RBD_MAPPER=fuse or nbd, or \(CephKeyType.olderKey(for: client.user))"
    }

    /// Nobody needs to have named `ms_mode`: it is set where the monitors cannot be reached without.
    private static func oldKernel(_ command: Command) -> String {
        guard command.arguments.contains(where: { $0.contains(",ms_mode=") }) else { return "" }
        return """
            . 'ms_mode', which monitors on port 3300 need, works from Linux 5.11 on: with an earlier kernel, leave it out and \
            let the monitors listen on port 6789 as well, or use RBD_MAPPER=fuse
            """
    }
}
