/// The records of a volume and its attachment as they become with a new owner.
public struct VolumeClaim: Sendable, Hashable {
    public let volume: VolumeRecord
    public let attachment: Attachment

    /// What the claim changes.
    public let change: StoreChange

    /// A claim on a volume that nobody has, for the container `mountID` or for nobody. The epoch goes up by one in both records; but
    /// of a shared volume every reader has the same: there is nobody to tell it from, and its record is left to the others.
    public init(_ volume: VolumeRecord, by owner: NodeIdentity, mountID: String?, since: String) {
        var claimed = volume
        if !volume.isShared {
            claimed.epoch = volume.epoch.next
            // Of a request that somebody has deleted.
            claimed.heldFor = nil
        }
        self.volume = claimed
        attachment = Attachment(
            volumeUID: volume.uid, owner: owner, epoch: volume.epoch.next, state: .attaching,
            mountIDs: mountID.map { [$0: 1] } ?? [:], since: since)
        change = StoreChange(volume: volume.isShared ? .keep : .put(claimed), attachment: .put(attachment))
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
        change = StoreChange(volume: .put(plain.volume), attachment: .put(attachment))
    }
}
