import InMemoryPorts
import VolumeCore

/// What must hold after every step, whatever went wrong.
struct SafetyChecks {
    private(set) var violation: Violation?
    private var revision: Int64 = 0
    private var lastSeen: [VolumeName: Attachment] = [:]
    /// Whom the last record of a mount named, with the image.
    private var named: [VolumeName: NamedClients] = [:]
    private var highestEpoch: [String: Epoch] = [:]
    /// Image ids that have been a ready volume's, each with how often mkfs had run on it then.
    private var readyImages: [String: Int] = [:]
    /// Uids of volumes whose removal has been recorded, on request.
    private(set) var removed: Set<String> = []
    /// The uid of the volume that an image id belonged to.
    private(set) var owners: [String: String] = [:]
    /// Boots of other nodes that a node was ever told not to be alive.
    private var heardDead: [String: Set<NodeIdentity>] = [:]
    /// Images that people put there by hand, by reference; nobody else may change them.
    private var foreign: [ImageReference: SimulatedImage] = [:]

    /// The uids of volumes that were ready and protected when the records changed last.
    private var protected: [VolumeName: String] = [:]

    /// The size that each volume's record said last, by uid, and that each image had last, by id.
    private var recordedSizes: [String: VolumeSize] = [:]
    private var imageSizes: [String: VolumeSize] = [:]
    /// How often each image had been rolled back then.
    private var rolledBack: [String: Int] = [:]

    /// The sizes that operators have wanted of each volume, by uid.
    private var wishes: [String: Set<VolumeSize>] = [:]
    /// The size that was wanted of each volume last that no operator has asked for, and when, by uid.
    private var growths: [String: (size: VolumeSize, at: Duration)] = [:]
    private var clocksAreSteady = true

    /// Ids of images in the trash.
    private var trashed: Set<String> = []
    private var snapshots = SnapshotChecks()
    private var kept = KeptChecks()
    private var history = HistoryChecks()
    private var shared = SharedChecks()

    /// Somebody asks for a removed volume to be deleted for good.
    mutating func noteDeletion(of image: String) { kept.noteDeletion(of: image) }

    /// The snapshots that are about to be taken, or may still be, each as its image and name.
    var takesUnderWay: Set<String> = []

    /// Every client that was ever blocklisted.
    private var fenced: Set<ClientAddress> = []
    /// Every client that the record of a take-over has ever named: from then on its node may let go, before or after the
    /// fence stands.
    private var takenFrom: Set<ClientAddress> = []

    /// The clients of mappings whose process has died: their own node may shut them out.
    private var dead: Set<ClientAddress> = []

    mutating func noteDead(_ client: ClientAddress) { dead.insert(client) }

    /// Whether the client has lost its volume to another node.
    func wasTakenOver(_ client: ClientAddress?) -> Bool {
        client.map { fenced.contains($0) || takenFrom.contains($0) } ?? false
    }

    /// The sizes that operators have asked for, by name: which volume gets it is decided when the command reads the record.
    private var asked: [String: Set<VolumeSize>] = [:]

    mutating func noteWish(_ size: VolumeSize, of volume: String) { asked[volume, default: []].insert(size) }

    mutating func noteWish(_ size: VolumeSize, of volume: String, _ world: World) {
        guard let name = try? VolumeName(volume), let uid = world.etcd.volumes[name]?.record.uid else { return }
        wishes[uid, default: []].insert(size)
    }

    /// What takes a minute for one node takes more or less for another.
    mutating func noteUnsteadyClocks() { clocksAreSteady = false }

    /// Whether etcd has been put back to an earlier history: what the records had promised since is nobody's fault.
    private(set) var isRestored = false

    mutating func noteRestored() {
        isRestored = true
        forgetRecords()
    }

    /// Whether somebody has put records into etcd: what they promise is nobody's promise.
    private(set) var isForged = false

    mutating func noteForged() {
        isForged = true
        forgetRecords()
    }

    private mutating func forgetRecords() {
        lastSeen = [:]
        named = [:]
        highestEpoch = [:]
        protected = [:]
        recordedSizes = [:]
        growths = [:]
    }

    private static let alsoAfterRestoring: Set<Violation.Invariant> = [
        .oneWriter, .noSecondFormat, .foreignUntouched, .noRecordLost, .fencedStaysOut, .othersAreLeftAlone,
        .deterministic, .snapshotsAreKept, .trashKeepsItsPromise, .sharedIsReadOnly,
    ]

    mutating func report(_ invariant: Violation.Invariant, _ what: @autoclosure () -> String) {
        if isRestored || isForged, !Self.alsoAfterRestoring.contains(invariant) { return }
        if violation == nil { violation = Violation(invariant: invariant, what: what()) }
    }

    mutating func noteForeign(_ reference: ImageReference, _ world: World) {
        foreign[reference] = world.ceph.images[reference]
    }

    /// Whether people have put an image there that is none of the volume's.
    func isForeign(_ reference: ImageReference) -> Bool { foreign[reference] != nil }

    /// - Returns: whether there was one.
    mutating func forgetForeign(_ reference: ImageReference) -> Bool {
        foreign.removeValue(forKey: reference) != nil
    }

    /// A node has asked for another's heartbeat.
    mutating func noteHeard(_ node: String, by caller: String, in world: World) {
        let living = world.livingBoot(of: node)
        for boot in 1...(world.nodes[node]?.boots ?? 1) {
            let identity = NodeIdentity(node: node, boot: "\(node)-boot-\(boot)")
            if identity.boot != living { heardDead[caller, default: []].insert(identity) }
        }
    }

    private struct NamedClients {
        let image: String
        let clients: Set<ClientAddress>
    }

    mutating func check(_ world: World) {
        if world.etcd.revision != revision { observeRecords(world) }
        if !world.ceph.blocklist.isEmpty { checkBlocklist(world) }
        checkWriters(world)
        checkMappings(world)
        for (invariant, what) in shared.look(world, heardDead.values.reduce(into: []) { $0.formUnion($1) }) {
            report(invariant, what)
        }
        checkImages(world)
        checkTrash(world)
        checkSnapshots(world)
        if let harm = world.harm.first { report(.oneWriter, harm.description) }
    }

    // MARK: Who can write

    private mutating func checkWriters(_ world: World) {
        var writers: [(image: String, client: ClientAddress, node: String)] = []
        for node in world.nodes.values where !node.kernel.superblocks.isEmpty {
            for (path, superblock) in node.kernel.superblocks where !superblock.readOnly {
                guard let device = node.kernel.devices[path], !device.isBroken, !world.isFenced(device.client) else {
                    continue
                }
                writers.append((device.imageID, device.client, node.name))
            }
        }
        for (index, writer) in writers.enumerated() {
            for other in writers[(index + 1)...] where other.image == writer.image {
                report(
                    .oneWriter,
                    "image \(writer.image) can be written by \(writer.client) on \(writer.node) and by"
                        + " \(other.client) on \(other.node)")
            }
            if writer.node != Setup.stranger { checkRecorded(writer.image, writer.client, writer.node, world) }
        }
    }

    /// A mapping can write before anything is mounted from it. Only one that its node has not recorded yet may stand beside
    /// another: when a claim is lost in the moment of mapping, nobody could have shut out what was not there, and its node
    /// finds out when it records it.
    private mutating func checkMappings(_ world: World) {
        let recorded = Set(
            world.etcd.attachments.values.flatMap { $0.record.clients + ($0.record.fenced?.clients ?? []) })
        for id in owners.keys {
            let writers = world.writers(ofImage: id).filter {
                (recorded.contains($0) || world.isMounted($0)) && !world.isReadOnly($0)
            }
            if writers.count > 1 {
                report(.oneMapping, "image \(id) is mapped by \(writers.map(\.text).joined(separator: " and "))")
            }
        }
    }

    /// Whom a record named before and names no more has to be gone, or shut out.
    private mutating func checkNamed(_ world: World) {
        for (name, before) in named {
            let record = world.etcd.attachments[name]?.record
            let present = Set((record?.clients ?? []) + (record?.fenced?.clients ?? []))
            for client in before.clients.subtracting(present) where !world.isFenced(client) {
                // What has died writes no more, although Ceph counts on it for a while.
                guard !dead.contains(client), world.mayWrite(client, before.image) else { continue }
                report(
                    .clientsAreNamed, "the record of \(name) names \(client) no more, which has image \(before.image)")
            }
        }
        named = [:]
        for (name, stored) in world.etcd.attachments {
            guard let image = world.etcd.volumes[name]?.record.imageID else { continue }
            let clients = Set(stored.record.clients + (stored.record.fenced?.clients ?? []))
            if !clients.isEmpty { named[name] = NamedClients(image: image, clients: clients) }
        }
    }

    private mutating func checkRecorded(_ image: String, _ client: ClientAddress, _ node: String, _ world: World) {
        for attachment in world.etcd.attachments.values {
            let record = attachment.record
            if record.clients.contains(client) || record.fenced?.clients.contains(client) == true { return }
        }
        report(.recordedWriter, "\(client) on \(node) has image \(image) mounted, and no record of a mount says so")
        // Whoever forges a record can have a volume removed that a node still has.
        if !isForged, world.ceph.reference(of: image) == nil {
            report(.noRecordLost, "image \(image) went away under its mount on \(node)")
        }
    }

    /// Who is shut out is whom the record of a take-over names, never the owner of record.
    private mutating func checkBlocklist(_ world: World) {
        for client in world.ceph.blocklist.keys where !fenced.contains(client) {
            fenced.insert(client)
            if client == Setup.bystander { report(.othersAreLeftAlone, "\(client) was blocklisted") }
            // What is gone, or what no mapper knows of, its own node may shut out before the record goes.
            if dead.contains(client) { continue }
            if !world.isKnownToBeMapped(client), !world.hasContainers(client) { continue }
            for (name, stored) in world.etcd.attachments where stored.record.clients.contains(client) {
                report(.livingKeep, "\(client) was blocklisted while \(stored.record.owner.node) has \(name) with it")
            }
        }
    }

    // MARK: Images

    private mutating func checkImages(_ world: World) {
        for (reference, image) in world.ceph.images {
            if image.timesFormatted > 1 { report(.noSecondFormat, "mkfs ran again on \(reference)") }
            if let before = readyImages[image.id], before != image.timesFormatted {
                report(.noSecondFormat, "mkfs ran on \(reference), which has been ready")
            }
        }
        for image in world.ceph.images.values {
            defer { rolledBack[image.id] = image.timesRolledBack }
            if let before = imageSizes[image.id], image.size < before, rolledBack[image.id] == image.timesRolledBack {
                report(.sizesGrow, "image \(image.id) had \(before), and has \(image.size)")
            }
            imageSizes[image.id] = image.size
        }
        for (reference, image) in foreign where world.ceph.images[reference] != image {
            report(.foreignUntouched, "image \(reference) is nobody's volume and was changed")
        }
    }

    /// What is deleted for good is no volume's any more.
    private mutating func checkTrash(_ world: World) {
        let now = Set(world.ceph.trash.keys)
        guard now != trashed else { return }
        for id in trashed.subtracting(now) where world.ceph.reference(of: id) == nil {
            guard let uid = owners[id] else { continue }
            for stored in world.etcd.volumes.values where stored.record.uid == uid {
                report(.noRecordLost, "image \(id) was deleted while volume \(stored.record.name) is recorded")
            }
        }
        trashed = now
    }

    private mutating func checkSnapshots(_ world: World) {
        for what in kept.look(world) { report(.trashKeepsItsPromise, what) }
        for (invariant, what) in snapshots.look(world, takesUnderWay, mayGo: kept.isReleased) {
            report(invariant, what)
        }
        for image in Array(world.ceph.images.values) + world.ceph.trash.values.map(\.image) {
            for snapshot in image.snapshots where !snapshot.wasQuiet && snapshot.mark?.consistency == .frozen {
                report(.frozenIsTrue, "snapshot \(snapshot.name) of image \(image.id)")
            }
        }
    }

    /// People are about to remove snapshots of their own.
    mutating func forgetSnapshots() {
        snapshots.forget()
        kept.forgetSnapshots()
    }

    // MARK: Records

    private mutating func observeRecords(_ world: World) {
        revision = world.etcd.revision
        for what in history.look(world.etcd) { report(.historyIsTrue, what) }
        checkReadable(world.etcd.volumes)
        checkReadable(world.etcd.attachments)
        checkReadable(world.etcd.desired)
        checkReadable(world.etcd.readers)
        for (name, stored) in world.etcd.volumes { observe(name, stored.record, world) }
        for (name, stored) in world.etcd.desired where !isAskedOfClone(name, stored.record, world) {
            checkGrowth(name, stored.record, world.now)
        }
        for (name, stored) in world.etcd.attachments {
            checkLimits(name, stored.record, world)
            observe(name, stored.record)
        }
        for name in lastSeen.keys where world.etcd.attachments[name] == nil { lastSeen[name] = nil }
        checkNamed(world)
        checkProtected(world.etcd.volumes)
        checkQuota(world)
    }

    /// What each volume counted for under its policy when the records changed last, by uid, and which policies there were.
    private var counted: [String: VolumeSize] = [:]
    private var policies: [PolicyName: Int64] = [:]

    /// Whoever adds to the sum finds room for it under the policy as it is then.
    private mutating func checkQuota(_ world: World) {
        let before = counted
        counted = [:]
        var added: Set<PolicyName> = []
        for stored in world.etcd.readAll() {
            guard let volume = stored.volume?.record, let policy = volume.policy, let size = QuotaRule.counted(stored)
            else { continue }
            counted[volume.uid] = size
            guard size > before[volume.uid] ?? VolumeSize(bytes: 0), !isThere(size, of: volume, world) else { continue }
            added.insert(policy)
        }
        for policy in added {
            guard let now = world.etcd.policies[policy], let most = now.record.create.maxTotal else { continue }
            let sum = QuotaRule.sum(of: policy, in: world.etcd.readAll())
            guard sum > most.bytes, policies[policy] == now.revision else { continue }
            report(.quotaHolds, "\(policy) allows \(most), and its volumes have \(VolumeSize(bytes: sum))")
        }
        policies = world.etcd.policies.mapValues(\.revision)
    }

    /// Whether the volume's image has that size already: somebody has made it larger by hand, or its record was lost to another
    /// node that took its Create for given up.
    private func isThere(_ size: VolumeSize, of volume: VolumeRecord, _ world: World) -> Bool {
        let own = world.ceph.images.values.first { $0.uid == volume.uid }
        return own.map { $0.size >= size } ?? false
    }

    /// Only an operator lifts a protection, and that is a write of its own.
    private mutating func checkProtected(_ volumes: [VolumeName: Revisioned<VolumeRecord>]) {
        for (name, uid) in protected {
            let record = volumes[name]?.record
            guard record?.uid != uid || record?.phase != .ready else { continue }
            report(.protectedStays, "\(name) was protected, and \(record.map { "is \($0.phase)" } ?? "is gone")")
        }
        protected = volumes.mapValues(\.record).filter { $1.isProtected && $1.phase == .ready }.mapValues(\.uid)
    }

    /// The store of the simulation keeps values. The real one would not read back what fails the checks of records.
    private mutating func checkReadable<Record: CheckedRecord>(_ records: [VolumeName: Revisioned<Record>]) {
        for (name, stored) in records {
            do {
                try stored.record.check()
            } catch {
                report(.recordsAreReadable, "the record of \(name): \(error)")
            }
        }
    }

    private mutating func observe(_ name: VolumeName, _ volume: VolumeRecord, _ world: World) {
        if volume.phase == .removing { removed.insert(volume.uid) }
        if let highest = highestEpoch[volume.uid], volume.epoch < highest {
            report(.epochsGrow, "the epoch of volume \(name) went from \(highest) back to \(volume.epoch)")
        }
        guard volume.phase == .ready, let id = volume.imageID else { return }
        owners[id] = volume.uid
        guard let image = world.ceph.images[volume.image], image.id == id else { return }
        if image.uid != volume.uid {
            report(.foreignUntouched, "volume \(name) is ready on image \(id), which bears another uid")
        }
        if readyImages[id] == nil {
            readyImages[id] = image.timesFormatted
            if let origin = volume.clonedFrom { checkClone(volume, image, of: origin, world) }
        }
        checkSize(volume, image)
    }

    /// A clone that has just become ready. What reached its parent's disk stands there in order, if nobody has rolled that back.
    private mutating func checkClone(
        _ volume: VolumeRecord, _ image: SimulatedImage, of origin: CloneOrigin, _ world: World
    ) {
        if image.parentImage != origin.imageID {
            report(
                .clonesAreCopies,
                "volume \(volume.name) is ready on \(image.id), which is no clone of \(origin.imageID)")
        }
        guard let parent = world.ceph.images.values.first(where: { $0.id == origin.imageID }),
            parent.timesRolledBack == 0, parent.rollingBackTo == nil
        else { return }
        if parent.filesystem?.uuid == image.filesystem?.uuid {
            report(.clonesAreCopies, "the filesystem of \(volume.name) has the UUID of its parent's")
        }
        guard let records = image.filesystem?.records, let all = parent.filesystem?.records else { return }
        if !all.starts(with: records) {
            report(.clonesAreCopies, "volume \(volume.name) holds \(records), and its parent has had \(all)")
        }
    }

    private mutating func checkSize(_ volume: VolumeRecord, _ image: SimulatedImage) {
        if let before = recordedSizes[volume.uid], volume.spec.size < before {
            report(.sizesGrow, "volume \(volume.name) had \(before), and has \(volume.spec.size)")
        }
        recordedSizes[volume.uid] = volume.spec.size
        guard volume.spec.size > image.size || volume.spec.size > image.filesystem?.size ?? volume.spec.size else {
            return
        }
        report(
            .appliedIsTrue,
            "volume \(volume.name) is recorded with \(volume.spec.size); its image has \(image.size), the"
                + " filesystem \(image.filesystem.map { "\($0.size)" } ?? "?")")
    }

    /// A clone is to have what its Create asked for.
    private func isAskedOfClone(_ name: VolumeName, _ desired: DesiredState, _ world: World) -> Bool {
        let volume = world.etcd.volumes[name]?.record
        return volume?.clonedFrom != nil && volume?.createdSize == desired.size
    }

    /// What no operator has asked for, a plugin wants of a volume that is full.
    private mutating func checkGrowth(_ name: VolumeName, _ desired: DesiredState, _ now: Duration) {
        let uid = desired.volumeUID
        guard let size = desired.size, wishes[uid]?.contains(size) != true, asked[name.text]?.contains(size) != true,
            growths[uid]?.size != size
        else { return }
        if size > Setup.growthBound {
            report(.growthIsBounded, "\(name) is to have \(size), and may have \(Setup.growthBound)")
        }
        // Times in records are whole seconds.
        if clocksAreSteady, let last = growths[uid]?.at, now - last < AutogrowRule.pause - .seconds(1) {
            report(.growthPauses, "\(name) is to grow \(now - last) after it was to grow before")
        }
        growths[uid] = (size, now)
    }

    /// A write may arrive when the device has other limits by now, or none since its mapping has ended.
    private mutating func checkLimits(_ name: VolumeName, _ attachment: Attachment, _ world: World) {
        let limits = attachment.inForce.values.limits
        guard limits != .none, attachment.inForce != lastSeen[name]?.inForce,
            let node = world.nodes[attachment.owner.node],
            let device = attachment.device.flatMap({ node.kernel.devices[$0] }),
            attachment.clients.contains(device.client), !device.pastLimits.contains(limits)
        else { return }
        report(.inForceIsTrue, "the record of \(name) says \(limits), and \(device.path) never had them")
    }

    private mutating func observe(_ name: VolumeName, _ attachment: Attachment) {
        let before = lastSeen[name]
        lastSeen[name] = attachment
        takenFrom.formUnion(attachment.fenced?.clients ?? [])
        guard before?.owner != attachment.owner || before?.epoch != attachment.epoch else { return }
        if let highest = highestEpoch[attachment.volumeUID], attachment.epoch <= highest {
            report(
                .epochsGrow, "\(attachment.owner.node) claims \(name) with epoch \(attachment.epoch) after \(highest)")
        }
        highestEpoch[attachment.volumeUID] = max(highestEpoch[attachment.volumeUID] ?? .none, attachment.epoch)
        guard let before, before.owner.node != attachment.owner.node else { return }
        if heardDead[attachment.owner.node]?.contains(before.owner) != true {
            report(
                .livingKeep,
                "\(attachment.owner.node) took \(name) from \(before.owner.node), which it had never been told to be dead"
            )
        }
    }
}

extension SimulatedCeph {
    func reference(of id: String) -> ImageReference? { images.first { $0.value.id == id }?.key }
}
