/// When an operator may write to the records of a volume, beside the plugins.
///
/// An operation of several steps takes any other write for another node's claim: so nobody writes while one is under way. Of two
/// operations that begin, the second one decides again.
enum OperatorWriteRule {
    /// - Throws: `VolumeError` with code `conflict` while the volume is being created or removed.
    static func refuseUnlessReady(_ volume: VolumeRecord, _ what: String) throws(VolumeError) {
        guard volume.phase != .ready else { return }
        let why = volume.phase == .removing ? "it is being removed" : "its creation is not finished"
        throw VolumeError(.conflict, what, why: why, outcome: .refused)
    }

    /// - Throws: `VolumeError` with code `conflict` while a node mounts or unmounts the volume.
    static func refuseWhileUnderWay(_ stored: StoredVolume, _ what: String) throws(VolumeError) {
        guard let attachment = stored.attachment?.record, attachment.state != .attached else { return }
        throw VolumeError(
            .conflict, what,
            why: "node \(attachment.owner.node) is mounting or unmounting it right now (\(attachment.state.rawValue))",
            remedy: "try again in a moment; if it lasts, 'rbd-plugin mount ls' shows whether that node is alive",
            outcome: .refused)
    }
}
