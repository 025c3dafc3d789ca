/// Whether an operator may say now that a volume is protected, or that it is no more: a write of the volume's record, beside the
/// plugins (`OperatorWriteRule`).
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
        try OperatorWriteRule.refuseUnlessReady(volume, what)
        try OperatorWriteRule.refuseWhileUnderWay(stored, what)
        volume.isProtected = isProtected
        return volume
    }
}
