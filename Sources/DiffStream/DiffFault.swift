/// What is wrong with a stream.
public struct DiffFault: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        case empty
        case noBanner
        case unknownRecord(UInt8)
        case misplaced(String)
        case nameLength(UInt64)
        case name
        case size(UInt64)
        case noSize
        case beyond(offset: UInt64, count: UInt64)
        case cut
        case more
    }

    public let kind: Kind
    /// How many bytes of the stream had been read.
    public let position: UInt64

    init(_ kind: Kind, at position: UInt64) {
        self.kind = kind
        self.position = position
    }

    public var description: String {
        switch kind {
        case .empty: "it is empty"
        case .noBanner: "it does not begin with 'rbd diff v1', as what 'rbd export-diff' writes does"
        case .unknownRecord(let byte): "it is broken \(place): no record begins with byte \(byte)"
        case .misplaced(let letter): "it is broken \(place): a record '\(letter)' comes twice, or after the data"
        case .nameLength(let count): "it is broken \(place): a snapshot's name cannot have \(count) bytes"
        case .name: "it is broken \(place): a snapshot's name is no text"
        case .size(let bytes): "it is broken \(place): an image cannot have \(bytes) bytes"
        case .noSize: "it is broken \(place): it does not say the image's size before the data"
        case .beyond(let offset, let count):
            "it is broken \(place): \(count) bytes at \(offset) lie outside of the image"
        case .cut: "it was cut off after \(position) bytes"
        case .more: "it is broken \(place): something comes after its end"
        }
    }

    private var place: String { "at byte \(position)" }
}
