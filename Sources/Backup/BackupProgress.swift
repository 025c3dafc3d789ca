/// What an export or an import tells while it goes on.
public enum BackupProgress: Sendable, Hashable {
    /// So far it has come, of so much.
    case reached(UInt64, of: UInt64)
    /// Ceph does not answer; it is tried again.
    case waiting(String)
}
