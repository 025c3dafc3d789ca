/// The records of a volume and its attachment as they become with a new owner.
public struct VolumeClaim: Sendable, Hashable {
    public let volume: VolumeRecord
    public let attachment: Attachment

    /// A claim on a volume that nobody has, for the container `mountID` or for nobody. The epoch goes up by one in both records.
    public init(_ volume: VolumeRecord, by owner: NodeIdentity, mountID: String?, since: String) {
        var claimed = volume
        claimed.epoch = volume.epoch.next
        // Of a request that somebody has deleted.
        claimed.heldFor = nil
        self.volume = claimed
        attachment = Attachment(
            volumeUID: volume.uid, owner: owner, epoch: claimed.epoch, state: .attaching,
            mountIDs: mountID.map { [$0: 1] } ?? [:], since: since)
    }

    /// A claim on a volume whose owner has to be shut out first: it stands as `fencing` until the fence does.
    ///
    /// A take-over that was itself given up half-way leaves its `fenced` owner standing in the next one: whoever may
    /// still write stays on the list until a fence against it stood.
    public init(
        _ volume: VolumeRecord, from former: Attachment, by owner: NodeIdentity, mountID: String?, since: String
    ) {
        let plain = VolumeClaim(volume, by: owner, mountID: mountID, since: since)
        let current = Attachment.Fenced(former)
        var attachment = plain.attachment
        attachment.state = .fencing
        attachment.fenced = former.state == .fencing ? former.fenced ?? current : current
        self.volume = plain.volume
        self.attachment = attachment
    }
}
