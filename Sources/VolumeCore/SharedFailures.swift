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

    /// The name of a volume's image is another image's. Nothing was done to that one.
    public static func namesake(_ what: String, of volume: VolumeRecord) -> VolumeError {
        VolumeError(
            .foreignImage, what, why: "the image \(volume.image) is not the one that this volume was created with",
            remedy: "put the volume's own image (id \(volume.imageID ?? "?")) back in its place", outcome: .refused)
    }

    /// Another snapshot of the image has the name.
    public static func snapshotNameTaken(_ what: String) -> VolumeError {
        VolumeError(
            .alreadyExists, what, why: "there is another snapshot of that name", remedy: "choose another name",
            outcome: .refused)
    }

    /// Somebody has written to the records since an operator's command read them.
    public static func changedMeanwhile(_ what: String) -> VolumeError {
        VolumeError(
            .conflict, what, why: "its records changed meanwhile", remedy: "look at the volume again, and repeat",
            outcome: .refused)
    }

    /// What cannot happen has happened: the program is wrong, not its user.
    public static func defect(_ what: String, _ why: String, outcome: Outcome = .failed) -> VolumeError {
        VolumeError(.internalFault, what, why: why, remedy: "please report this as a defect", outcome: outcome)
    }
}
