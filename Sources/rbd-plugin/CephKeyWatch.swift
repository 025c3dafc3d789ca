import Blocking
import CephStorage
import Logging

/// Takes up a new key of the Ceph user while the plugin runs, from the file that the settings name or from a keyring of the
/// host.
///
/// What is mapped goes on with the key that it was mapped with: each mapping is a client of its own.
struct CephKeyWatch: Sendable {
    let files: CephClientConfiguration
    let connection: CephConnection
    let log: Logger

    private static let interval = Duration.seconds(5)

    func run() async {
        var said = ""
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            do {
                try await look()
                said = ""
            } catch {
                // The file may be ahead of the cluster, or half written.
                if "\(error)" != said {
                    log.warning(
                        "cannot take up a new key of the Ceph user yet; going on with the former one",
                        metadata: ["error": "\(error)"])
                }
                said = "\(error)"
            }
        }
    }

    private func look() async throws {
        try await renewKeyring().get()
        guard try await connection.takeUpNewKey() else { return }
        log.info("took up a new key of the Ceph user", metadata: ["client": "client.\(connection.settings.user)"])
    }

    /// On a thread of its own: the file's filesystem may hang.
    private func renewKeyring() async -> Result<Void, any Error> {
        await withCheckedContinuation { continuation in
            do throws(DetachedThread.Refused) {
                try DetachedThread.start(name: "ceph-key") {
                    continuation.resume(returning: Result { try files.renewKeyring() })
                }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }
}
