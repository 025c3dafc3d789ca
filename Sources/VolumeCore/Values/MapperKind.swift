/// A way in which an image becomes a block device. Settings, records and the log name it by its raw value.
public enum MapperKind: String, Sendable, Hashable, CaseIterable {
    case krbd, nbd, fuse
}
