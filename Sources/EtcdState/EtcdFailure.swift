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
}
