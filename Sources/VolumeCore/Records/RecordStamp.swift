/// Which versions of the plugin a record is for.
///
/// Nodes of several versions share the records while a cluster is upgraded. `schema` is the newest form that has written to the
/// record. `reader` is the oldest form whose readers may act on it; where it is absent that is `schema` itself. So a version that
/// only adds fields which older nodes can pass on leaves `reader` as it was. A version that gives a volume a meaning which older
/// nodes would violate raises it, and those nodes leave that one volume to newer ones.
public struct RecordStamp: Sendable, Hashable {
    /// The form of nearly all records that this version writes: every released version may act on it.
    public static let current = 1

    /// The form of a volume of which the image is yet to be made with stripes or out of a snapshot, of one that a request holds, of one
    /// whose own value keeps its image when it is removed, and of one that is read-only. A version that knows only form 1 would make it without them, mount
    /// it, write to it, or delete it. The released ones among these do not look at `reader`, so
    /// `schema` itself says it.
    static let forNewerOnly = 2

    /// The newest form whose records this version acts on.
    public static let newest = 2

    /// The field of the record's text that names the write that put it there. It belongs to the store.
    static let field: RecordField = "write"

    public let schema: Int
    public let reader: Int?

    /// Of a record that this version makes.
    public init() { (schema, reader) = (Self.current, nil) }

    public init(schema: Int, reader: Int? = nil) { (self.schema, self.reader) = (schema, reader) }

    /// Whether this version may act on the record.
    public var isForThisVersion: Bool { (reader ?? schema) <= Self.newest }

    /// That of the same volume while older versions must leave it alone. What newer versions have written says it already.
    var closedToOlder: RecordStamp { self == RecordStamp() ? RecordStamp(schema: Self.forNewerOnly) : self }

    /// That of the same volume afterwards.
    var openToOlder: RecordStamp { self == RecordStamp(schema: Self.forNewerOnly) ? RecordStamp() : self }

    init(_ fields: inout RecordReader) throws {
        schema = try fields.field("schema")
        reader = try fields.optional("reader")
        fields.skip(Self.field)
    }

    func encode(to fields: inout KeyedEncodingContainer<RecordField>) throws {
        try fields.encode(schema, forKey: "schema")
        try fields.encodeIfPresent(reader, forKey: "reader")
    }
}

extension RecordStamp: Decodable {
    /// Only the stamp of a record, whatever the rest of it is.
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        try self.init(&fields)
    }
}
