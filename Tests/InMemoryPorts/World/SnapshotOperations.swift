import VolumeCore

/// What Ceph does about snapshots.
extension World {
    /// The image of that id, under whatever name it is there.
    private func image(ofID id: String, of reference: ImageReference, to what: String) throws -> ImageReference {
        guard let found = ceph.images.first(where: { $0.value.id == id && $0.key.trash == reference.trash }) else {
            throw VolumeError(.notFound, "\(what) image \(reference)", why: "there is no image with the id \(id)")
        }
        return found.key
    }

    /// Changes the image of that id, which may be in the trash.
    mutating func change(
        _ id: String, of reference: ImageReference, to what: String, _ body: (inout SimulatedImage) throws -> Void
    ) throws {
        if var entry = ceph.trash[id], entry.reference.trash == reference.trash {
            try body(&entry.image)
            ceph.trash[id] = entry
        } else {
            let place = try image(ofID: id, of: reference, to: what)
            guard var image = ceph.images[place] else { return }
            try body(&image)
            ceph.images[place] = image
        }
    }

    func snapshots(ofID id: String, of reference: ImageReference) throws -> [VolumeSnapshot] {
        if let entry = ceph.trash[id], entry.reference.trash == reference.trash { return entry.image.listed }
        return ceph.images[try image(ofID: id, of: reference, to: "list the snapshots of")]?.listed ?? []
    }

    /// - Throws: `alreadyExists` for a taken name.
    @discardableResult
    mutating func takeSnapshot(
        _ name: String, of reference: ImageReference, mark: SnapshotMark?
    ) throws -> SimulatedSnapshot {
        try takeSnapshot(name, ofID: try image(reference, to: "snapshot").id, of: reference, mark: mark)
    }

    /// The same of an image that may be in the trash.
    private mutating func takeSnapshot(
        _ name: String, ofID id: String, of reference: ImageReference, mark: SnapshotMark?
    ) throws -> SimulatedSnapshot {
        let (number, time, isQuiet) = (ceph.snapshotsTaken + 1, cephTime, isQuiet(id))
        var taken: SimulatedSnapshot?
        try change(id, of: reference, to: "take a snapshot of") { image in
            guard !image.snapshots.contains(where: { $0.name == name }) else {
                throw VolumeError.snapshotNameTaken("take snapshot \(name) of image \(reference)")
            }
            let new = SimulatedSnapshot(
                id: number, name: name, size: image.size, content: image.content, takenAt: time, mark: mark,
                wasQuiet: isQuiet)
            image.snapshots.append(new)
            taken = new
        }
        ceph.snapshotsTaken = number
        guard let taken else { throw VolumeError.defect("take snapshot \(name)", "it was not taken") }
        return taken
    }

    private func isQuiet(_ id: String) -> Bool {
        nodes.values.allSatisfy { node in
            let devices = node.kernel.devices.values.filter { $0.imageID == id }
            return devices.filter { !$0.isBroken && !ceph.isBlocklisted($0.client, at: now) }.allSatisfy { device in
                node.kernel.superblocks[device.path] == nil || isFrozen(device.path, on: node.name)
            }
        }
    }

    /// The first half: an attempt is noted, and then there is a snapshot that bears no mark.
    /// - Returns: the one that is there; with its mark when all is done.
    mutating func beginSnapshot(
        _ name: SnapshotName, ofID id: String, of reference: ImageReference, token: String, evenIfChanging: Bool
    ) throws -> (snapshot: SimulatedSnapshot, isNew: Bool) {
        if let found = image(ofID: id, in: reference.trash)?.image.snapshots.first(where: { $0.name == name.text }) {
            let begun = image(ofID: id, in: reference.trash)?.image.taking[name.text]
            let isOwn = found.mark == nil ? begun == token : found.mark?.token == token
            if isOwn { return (found, isNew: false) }
        }
        if !evenIfChanging, image(ofID: id, in: reference.trash)?.image.rollingBackTo != nil {
            throw VolumeError.isChanging("take snapshot \(name) of image \(reference)")
        }
        let taken = try takeSnapshot(name.text, ofID: id, of: reference, mark: nil)
        try change(id, of: reference, to: "take a snapshot of") { $0.taking[name.text] = token }
        return (taken, isNew: true)
    }

    /// A request for the snapshot of the slot that is due takes effect, and nobody comes to mark it.
    public mutating func takeLate(of volume: VolumeRecord, _ schedule: SnapshotSchedule, _ now: WallTime) {
        guard case .take(let slot) = ScheduleRule.due(now: now, volume.schedule, schedule, uid: volume.uid),
            let id = volume.imageID, let name = try? ScheduleRule.name(of: slot)
        else { return }
        let mark = SnapshotMark.scheduled(slot, consistency: .crash, by: "late")
        _ = try? beginSnapshot(name, ofID: id, of: volume.image, token: mark.token, evenIfChanging: false)
    }

    mutating func markSnapshot(
        _ snapshot: UInt64, ofID id: String, of reference: ImageReference, _ mark: SnapshotMark
    ) throws {
        try change(id, of: reference, to: "note something of a snapshot of") { image in
            guard let index = image.snapshots.firstIndex(where: { $0.id == snapshot }) else {
                throw VolumeError(
                    .notFound, "note something of snapshot \(snapshot)", why: "there is no such snapshot")
            }
            image.snapshots[index].mark = mark
            image.taking[image.snapshots[index].name] = nil
        }
    }

    mutating func removeSnapshot(_ snapshot: UInt64, ofID id: String, of reference: ImageReference) throws {
        try change(id, of: reference, to: "remove a snapshot of") { image in
            if image.snapshots.contains(where: { $0.id == snapshot && $0.mark?.isHeld == true }) {
                throw VolumeError(.conflict, "remove snapshot \(snapshot)", why: "it is held", outcome: .refused)
            }
            image.snapshots.removeAll { $0.id == snapshot }
        }
        keep(snapshot, ofImage: id)
    }

    mutating func beginToRollBack(
        toSnapshot snapshot: UInt64, ofID id: String, of reference: ImageReference, by client: ClientAddress
    ) throws {
        let (place, _) = try target(snapshot, ofID: id, of: reference, by: client)
        ceph.images[place]?.content = .unreadable
        ceph.images[place]?.rollingBackTo = snapshot
    }

    /// A rollback of the image broke off.
    public mutating func breakOffRollBack(of reference: ImageReference, to snapshot: UInt64) {
        ceph.images[reference]?.rollingBackTo = snapshot
    }

    mutating func acceptHalfRolledBack(ofID id: String, of reference: ImageReference) throws {
        ceph.images[try image(ofID: id, of: reference, to: "take as it is")]?.rollingBackTo = nil
    }

    mutating func rollBack(
        toSnapshot snapshot: UInt64, ofID id: String, of reference: ImageReference, by client: ClientAddress
    ) throws {
        let (place, found) = try target(snapshot, ofID: id, of: reference, by: client)
        ceph.images[place]?.content = found.content
        ceph.images[place]?.size = found.size
        ceph.images[place]?.rollingBackTo = nil
        ceph.images[place]?.timesRolledBack += 1
    }

    /// What a rollback by that client is about.
    private func target(
        _ snapshot: UInt64, ofID id: String, of reference: ImageReference, by client: ClientAddress
    ) throws -> (place: ImageReference, snapshot: SimulatedSnapshot) {
        let place = try image(ofID: id, of: reference, to: "roll back")
        guard !ceph.isBlocklisted(client, at: now) else {
            throw VolumeError(.fenced, "roll image \(place) back", why: "client \(client) is blocklisted")
        }
        guard let found = ceph.images[place]?.snapshots.first(where: { $0.id == snapshot }) else {
            throw VolumeError(.notFound, "roll back to snapshot \(snapshot)", why: "there is no such snapshot")
        }
        return (place, found)
    }
}
