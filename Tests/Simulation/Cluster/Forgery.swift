import InMemoryPorts
import VolumeCore

/// Somebody who may write to etcd, and to nothing else.
extension History {
    /// Deletes the record of a mount of some volume, or puts another there in its place. That names a client that has nothing to do
    /// with the volume, or one that was shut out of it. After that the promises are that no data is harmed and that nobody
    /// else's client is shut out.
    func forgeRecord() -> Bool {
        let known = cluster.mutate { $0.etcd.volumes.values.map(\.record) }.filter {
            $0.phase == .ready && !$0.isShared && !isToBeRolledBack($0.name)
        }
        guard let volume = random.one(of: known.sorted { $0.name < $1.name }), let bystander = Setup.bystander else {
            return false
        }
        let shutOut = cluster.mutate { $0.ceph.blocklist.keys.sorted { $0.text < $1.text } }
        let victim = random.happens(700) ? bystander : random.one(of: shutOut) ?? bystander
        let forged = forgery(of: volume, naming: victim)
        checks.noteForged()
        if random.happens(400) {
            deleteRecord(of: volume.name)
            return true
        }
        cluster.mutate { $0.putByHand(forged, of: volume.name) }
        note("! a record of \(volume.name) that names \(victim): \(forged.owner.node) \(forged.state.rawValue)")
        return true
    }

    private func isToBeRolledBack(_ name: VolumeName) -> Bool {
        cluster.mutate { RequestRule.holding($0.etcd.read(name)) } != nil
    }

    /// At the worst moment: its owner has frozen, and Ceph has forgotten its watch. Only the image knows it then.
    private func deleteRecord(of name: VolumeName) {
        cluster.mutate { world in
            if let owner = world.etcd.attachments[name]?.record.owner.node, world.nodes[owner]?.isOn == true {
                world.pause(owner)
                world.advance(by: world.ceph.watchTimeout + .seconds(1))
            }
            world.deleteMountByHand(name.text)
        }
        note("! the record of the mount of \(name) is deleted")
    }

    private func forgery(of volume: VolumeRecord, naming victim: ClientAddress) -> Attachment {
        let node = random.one(of: Setup.nodes + ["nowhere"]) ?? "nowhere"
        let living = cluster.mutate { $0.livingBoot(of: node) } ?? "\(node)-boot-1"
        let owner = NodeIdentity(node: node, boot: random.happens(500) ? living : "\(node)-boot-0")
        let state = random.one(of: Attachment.State.allCases) ?? .attached
        var record = Attachment(
            volumeUID: volume.uid, owner: owner, epoch: volume.epoch, state: state, clients: [victim],
            mountIDs: random.happens(500) ? ["forged": 1] : [:], since: "2026-01-01T00:00:00Z")
        if random.happens(500) { record.writersAreNoted = true }
        if random.happens(500) {
            record.mapper = "krbd"
            record.device = "/dev/rbd0"
            record.mountpoint = Setup.mountpoint(volume.name.text)
        }
        if state == .fencing {
            record.fenced = Attachment.Fenced(
                owner: owner, epoch: volume.epoch, clients: [victim], mayBeIncomplete: random.happens(500),
                writersAreNoted: record.writersAreNoted)
        }
        return record
    }
}
