/// Failures that several modules share, each said in one way.
extension VolumeError {
    /// No record has the volume.
    public static func noSuchVolume(_ what: String, remedy: String = "") -> VolumeError {
        VolumeError(.notFound, what, why: "there is no such volume", remedy: remedy, outcome: .refused)
    }

    /// A node has the volume, and what was asked for takes a volume that none has.
    public static func mountedOnNode(_ what: String, _ attachment: Attachment, remedy: String) -> VolumeError {
        VolumeError(
            .inUse, what, why: "node \(attachment.owner.node) has had it mounted since \(attachment.since)",
            remedy: remedy, outcome: .refused)
    }

    /// What is to get a new filesystem holds something. Nothing was written.
    public static func notBlank(_ what: String) -> VolumeError {
        VolumeError(.damaged, what, why: "it is not blank; nothing was written", outcome: .refused)
    }

    /// The image that was to be changed has another id than the one that was meant. It was not touched.
    public static func replacedImage(_ what: String, found: String, wanted: String?) -> VolumeError {
        VolumeError(
            .foreignImage, what, why: "it has the id \(found), not \(wanted ?? "?")", remedy: "it was not changed",
            outcome: .refused)
    }

    /// What cannot happen has happened: the program is wrong, not its user.
    public static func defect(_ what: String, _ why: String, outcome: Outcome = .failed) -> VolumeError {
        VolumeError(.internalFault, what, why: why, remedy: "please report this as a defect", outcome: outcome)
    }
}
