import CRados
import FoundationEssentials
import Glibc
import Synchronization
import VolumeCore

/// Whether the librados of this process knows what a key is made for. All calls block.
///
/// librados itself says EIO and no more. And before it fails, an older one writes the key into its log. So it is asked
/// beforehand, with a key of that type that opens nothing.
enum KeyAcceptance {
    private static let answers = Mutex<[CephKeyType: Bool]>([:])

    /// Asks librados once for each type.
    static func accepts(_ type: CephKeyType) -> Bool {
        if type == .aes { return true }
        if let known = answers.withLock({ $0[type] }) { return known }
        let answer = ask(type)
        answers.withLock { $0[type] = answer }
        return answer
    }

    /// - Throws: ``CephError`` with `EOPNOTSUPP` for a key that librados cannot use.
    static func require(_ key: CephKey?, of user: String, _ call: CephCall) throws {
        guard let type = key?.type, !accepts(type) else { return }
        throw CephError(
            call: call.name, subject: call.subject, code: EOPNOTSUPP, outcome: .refused,
            detail:
                "the key of client.\(user) is of the type \(type), and the librados installed here is too old for it",
            remedy:
                "Use the managed plugin or packages of a Ceph release that knows such keys (20.2.4, 19.2.6 or later), or "
                + CephKeyType.olderKey(for: user) + ".")
    }

    /// Connects to a port where no monitor is. librados reads the key first, and says EINVAL when it cannot. A second later
    /// it gives up with another error.
    private static func ask(_ type: CephKeyType) -> Bool {
        var created: rados_t?
        guard let key = worthlessKey(type), rados_create2(&created, "ceph", "client.nobody", 0) == 0, let raw = created
        else { return true }
        defer { rados_shutdown(raw) }
        let options = [
            ("key", key), ("keyring", ""), ("auth_client_required", "cephx"), ("mon_host", "v2:127.0.0.1:1"),
            ("client_mount_timeout", "1"), ("log_to_stderr", "false"), ("err_to_stderr", "false"),
        ]
        for (name, value) in options where rados_conf_set(raw, name, value) != 0 { return true }
        return rados_connect(raw) != -EINVAL
    }

    /// `nil` for a type of which nothing else is known.
    private static func worthlessKey(_ type: CephKeyType) -> String? {
        let number: UInt8
        let length: UInt8
        switch type {
        case .aes: (number, length) = (1, 16)
        case .aes256k: (number, length) = (2, 32)
        case .other: return nil
        }
        let time = [UInt8](repeating: 0, count: 8)
        return Data([number, 0] + time + [length, 0] + (1...length)).base64EncodedString()
    }
}
