import EtcdClient
import VolumeCore

extension VolumeError {
    /// What a failure of etcd means for an operation on a volume.
    init(etcd error: EtcdError, _ what: String) {
        let code: Code =
            switch error.code {
            case .timedOut: .timedOut
            case .refused, .protocolViolation: .internalFault
            default: .unavailable
            }
        let outcome: Outcome =
            switch error.outcome {
            case .refused: .refused
            case .failed: .failed
            case .unknown: .unknown
            }
        self.init(code, what, why: "\(error)", outcome: outcome)
    }
    /// Does what is asked of etcd, and says of a failure what it means.
    static func explainingEtcd<Value>(_ what: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as EtcdError {
            throw VolumeError(etcd: error, what)
        }
    }
}
