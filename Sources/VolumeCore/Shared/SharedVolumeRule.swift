/// What holds of a volume that any number of nodes read and none writes.
public enum SharedVolumeRule {
    /// What a Mount has to do. There is nobody to wait for, and nobody to shut out.
    /// - Parameter stored: as this node sees it.
    static func mount(_ stored: StoredVolume, me: NodeIdentity, mountedHere: Bool) -> MountStep {
        guard let mount = stored.attachment?.record, mount.owner == me else { return .attach }
        return mount.state == .attached && mountedHere ? .count : .reattach
    }

    /// - Throws: `VolumeError` with code `unexplained` where nodes read a volume that one may write to.
    static func refuseReaders(_ stored: StoredVolume, _ what: String) throws(VolumeError) {
        guard !stored.isShared, !stored.readingNodes.isEmpty else { return }
        throw VolumeError(
            .unexplained, what,
            why: "a record says that \(names(stored.readingNodes)) read it, and it can be written to",
            remedy: "make sure that nothing uses it there, then remove the etcd key readers/\(stored.name)",
            outcome: .refused)
    }

    /// Who keeps the volume from being removed: a node that is alive and reads it. One that is dead harms nobody, and what it may
    /// still read goes away.
    /// - Parameter living: those of the readers that have a heartbeat.
    public static func inTheWay(_ stored: StoredVolume, me: NodeIdentity, living: Set<NodeIdentity>) -> [Attachment] {
        stored.readingNodes.filter { $0.owner.node != me.node && living.contains($0.owner) }
    }

    /// - Throws: `VolumeError` with code `inUse` that names them.
    public static func refuse(_ readers: [Attachment], _ what: String) throws(VolumeError) {
        guard let first = readers.first else { return }
        let verb = readers.count == 1 ? "has" : "have"
        throw VolumeError(
            .inUse, what,
            why: "\(names(readers)) \(verb) had it mounted since \(readers.map(\.since).min() ?? first.since)",
            remedy: "stop the containers that use it there", outcome: .refused)
    }

    /// - Throws: `VolumeError` with code `invalidOption` for what would write to its image.
    public static func refuseWriting(_ volume: VolumeRecord, _ what: String) throws(VolumeError) {
        guard volume.isShared else { return }
        throw VolumeError(
            .invalidOption, what, why: "any number of nodes read it, and nobody ever writes to its image",
            remedy: "make another volume out of \(volume.clonedFrom?.volume.given ?? "what it was made of")",
            outcome: .refused)
    }

    /// `node a`, or `nodes a, b and 3 more` of many.
    public static func names(_ readers: [Attachment]) -> String {
        let names = readers.prefix(8).map(\.owner.node).joined(separator: ", ")
        let more = readers.count > 8 ? " and \(readers.count - 8) more" : ""
        return "\(readers.count == 1 ? "node" : "nodes") \(names)\(more)"
    }
}
