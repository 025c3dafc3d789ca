/// Whether an operator may say now that a volume is protected, or that it is no more.
///
/// That is a write of the volume's record, beside the plugins. An operation of several steps takes any other write for another
/// node's claim: so nobody writes while one is under way. Of two operations that begin, the second one decides again.
public enum ProtectionRule {
    /// - Returns: the record to write; `nil` when it says so already.
    /// - Throws: `VolumeError` with code `notFound`, or `conflict` while the volume is being created, mounted, unmounted or
    ///   removed.
    public static func decide(_ stored: StoredVolume, isProtected: Bool) throws(VolumeError) -> VolumeRecord? {
        let what = "\(isProtected ? "protect" : "unprotect") volume \(stored.name)"
        guard var volume = stored.volume?.record else {
            throw VolumeError.noSuchVolume(what)
        }
        if volume.isProtected == isProtected { return nil }
        guard volume.phase == .ready else {
            let why = volume.phase == .removing ? "it is being removed" : "its creation is not finished"
            throw VolumeError(.conflict, what, why: why, outcome: .refused)
        }
        if let attachment = stored.attachment?.record, attachment.state != .attached {
            throw VolumeError(
                .conflict, what,
                why:
                    "node \(attachment.owner.node) is mounting or unmounting it right now (\(attachment.state.rawValue))",
                remedy: "try again in a moment; if it lasts, 'rbd-plugin mount ls' shows whether that node is alive",
                outcome: .refused)
        }
        volume.isProtected = isProtected
        return volume
    }
}
