/// A record in etcd that can tell whether the plugin may have written it. Whoever may write to etcd must get nothing done that
/// a user of Docker could not ask for: so a record is checked as options are, and what fails is not read at all.
public protocol CheckedRecord: Codable {
    /// Which versions of the plugin may act on it.
    var stamp: RecordStamp { get }
    /// The last part of the key that it belongs under; `nil` when the record does not say.
    var keyName: String? { get }

    /// - Throws: `VolumeError` for the first field that the plugin would not have written.
    func check() throws(VolumeError)
}

extension VolumeRecord: CheckedRecord {
    public var keyName: String? { name.text }

    public func check() throws(VolumeError) {
        try RecordForm.id(uid, "uid")
        if let imageID { try RecordForm.id(imageID, "imageID") }
        if let attempt {
            try RecordForm.node(attempt.by, "attempt.by")
            try RecordForm.id(attempt.token, "attempt.token")
        }
        for token in abandoned { try RecordForm.id(token, "abandoned") }
        try RecordForm.epoch(epoch, "epoch")
        if let heldFor { try RecordForm.id(heldFor, "heldFor") }
        if let createdSize { try RecordForm.size(createdSize, "createdSize") }
        try runtime.check()
        try clonedFrom?.check()
        try spec.checkValues(isOfImage: origin != .blank)
        if phase == .creating { try checkAsRequested() }
    }

    /// As the options were that begin a volume. One that is ready may be older than a rule: mkfs never runs on it again, and a
    /// Mount refuses what is dangerous.
    private func checkAsRequested() throws(VolumeError) {
        try OptionLimits.check(options)
        try spec.checkMapOptions()
        if origin == .blank { try spec.checkAsNew() }
    }
}

extension Attachment: CheckedRecord {
    public var keyName: String? { nil }

    public func check() throws(VolumeError) {
        try RecordForm.id(volumeUID, "volumeUID")
        try RecordForm.node(owner, "owner")
        try RecordForm.epoch(epoch, "epoch")
        if let fenced {
            try RecordForm.node(fenced.owner, "fenced.owner")
            try RecordForm.epoch(fenced.epoch, "fenced.epoch")
        }
        if let wantedBy { try RecordForm.node(wantedBy, "wantedBy") }
        if let mapper { try RecordForm.id(mapper, "mapper") }
        if let device { try RecordForm.device(device, "device") }
        if let mountpoint { try RecordForm.path(mountpoint, "mountpoint") }
        for count in mountIDs.values { try RecordForm.count(count, "mountIDs") }
        try inForce.values.check()
    }
}
