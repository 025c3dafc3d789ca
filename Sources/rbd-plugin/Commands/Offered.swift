import ArgumentParser
import EtcdState
import RBDDriver
import Synchronization
import VolumeCore

/// The words that a shell offers for an argument. Whoever asks for them waits with a finger on a key: what does not come soon
/// does not come.
enum Offered {
    static let volumes = CompletionKind.custom { _, _, _ in
        await names { try await $0.actions.volumes().map { $0.volume?.record.name.given ?? $0.name.text } }
    }

    static let policies = CompletionKind.custom { _, _, _ in
        await names { try await $0.policies.list().map { "\($0.name)" } }
    }

    private static func names(_ read: @escaping @Sendable (OperatorSession) async throws -> [String]) async -> [String]
    {
        await InTime.of(.seconds(3)) {
            let found = Mutex<[String]>([])
            try? await OperatorSession.run { session in
                let names = try await read(session)
                found.withLock { $0 = names }
            }
            return found.withLock { $0 }
        } ?? []
    }
}
