/// What containers may do with a volume's files.
public enum VolumeAccess: String, Sendable, Hashable, CaseIterable {
    case readWrite = "read-write"
    case readOnly = "read-only"
}
