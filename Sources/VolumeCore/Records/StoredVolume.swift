/// A record together with etcd's `mod_revision` of its key, which every write is guarded with.
public struct Revisioned<Record: Sendable & Hashable>: Sendable, Hashable {
    public var record: Record
    public var revision: Int64

    public init(_ record: Record, revision: Int64) {
        self.record = record
        self.revision = revision
    }
}

/// The records of one name, read at one revision. `RecordKind` lists what they are.
public struct StoredVolume: Sendable, Hashable {
    public var name: VolumeName
    public var volume: Revisioned<VolumeRecord>?
    public var attachment: Revisioned<Attachment>?
    /// Of a volume that many nodes read at once.
    public var readers: Revisioned<Readers>?
    public var desired: Revisioned<DesiredState>?
    public var request: Revisioned<WorkRequest>?
    /// Of removed volumes of that name.
    public var trash: Revisioned<TrashClaims>?
    /// etcd's revision at which this was true.
    public var revision: Int64

    public init(
        name: VolumeName, volume: Revisioned<VolumeRecord>? = nil, attachment: Revisioned<Attachment>? = nil,
        revision: Int64
    ) {
        self.revision = revision
        self.name = name
        self.volume = volume
        self.attachment = attachment
    }

    /// Whether nobody has written to the records between the two readings.
    public func hasSameRecords(as other: StoredVolume) -> Bool {
        name == other.name && RecordKind.allCases.allSatisfy { $0.slot.revision(self) == $0.slot.revision(other) }
    }

    /// For work on the volume's image: only of a volume that is ready is it certain which one that is.
    /// - Parameters:
    ///   - what: what is to be done, for the error.
    ///   - remedy: what to do where there is no such volume.
    /// - Returns: the volume, and librbd's id of its image.
    /// - Throws: `VolumeError`: `notFound`; `conflict` for a volume that is not ready.
    public func readyVolume(
        to what: String, remedy: String = ""
    ) throws(VolumeError) -> (record: VolumeRecord, imageID: String) {
        guard let record = volume?.record else { throw VolumeError.noSuchVolume(what, remedy: remedy) }
        guard record.phase == .ready, let imageID = record.imageID else {
            throw VolumeError(
                .conflict, what, why: "the volume is \(record.phase.rawValue), not ready", outcome: .refused)
        }
        return (record, imageID)
    }

    /// Whether nothing is recorded of the name.
    public var isAbsent: Bool { RecordKind.allCases.allSatisfy { $0.slot.revision(self) == nil } }
}
