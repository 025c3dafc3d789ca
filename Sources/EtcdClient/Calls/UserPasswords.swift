import Blocking
import Logging
import Synchronization

/// The passwords that may be the user's by now.
///
/// A password is changed in its file and in etcd, one after the other. In between, the one that etcd accepted last counts
/// as well: a token may run out just then.
final class UserPasswords: Sendable {
    private let credentials: EtcdCredentials
    private let accepted: Mutex<String>
    private let logger: Logger

    init(_ credentials: EtcdCredentials, logger: Logger) {
        self.credentials = credentials
        self.logger = logger
        accepted = Mutex(credentials.password)
    }

    var username: String { credentials.username }

    /// In the order in which they should be tried; at least one.
    func candidates() async -> [String] {
        let accepted = accepted.withLock { $0 }
        guard let read = credentials.readPassword else { return [accepted] }
        do {
            let current = try await Self.result(of: read).get()
            return current == accepted ? [current] : [current, accepted]
        } catch {
            logger.warning(
                "cannot read the password for etcd again; keeping the former one",
                metadata: ["error": "\(error)"])
            return [accepted]
        }
    }

    func accept(_ password: String) {
        accepted.withLock { $0 = password }
    }

    /// On a thread of its own: the file's filesystem may hang.
    private static func result(
        of read: @escaping @Sendable () throws -> String
    ) async -> Result<String, any Error> {
        await withCheckedContinuation { continuation in
            do throws(DetachedThread.Refused) {
                try DetachedThread.start(name: "etcd-password") {
                    continuation.resume(returning: Result { try read() })
                }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }
}
