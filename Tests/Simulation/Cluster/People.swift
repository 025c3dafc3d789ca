import InMemoryPorts
import RBDDriver
import VolumeCore

/// What people do beside the plugins: strangers at the images, and operators.
extension History {
    /// Somebody maps and mounts an idle volume's image by hand, on a host that the plugin does not know.
    func mapByHand() -> Bool {
        guard strangersDevice == nil, inFlight.isEmpty, let volume = random.one(of: volumes), volume != Setup.shared
        else {
            return false
        }
        let image = Setup.image(volume)
        if checks.isForeign(image) { return false }
        let isIdle = cluster.mutate { world in
            world.etcd.attachments.isEmpty && late.isEmpty
                && world.ceph.images[image].map { world.writers(ofImage: $0.id).isEmpty && !$0.needsRepair } == true
        }
        guard isIdle else { return false }
        let ports = cluster.startPlugin(on: Setup.stranger)
        let filesystem: FilesystemType = volume == "kv" ? .xfs : .ext4
        Task(executorPreference: executor) { [unowned self] in
            let device = try await ports.mapper.map(image, id: nil, options: [])
            strangersDevice = (ports, device, "/mnt/by-hand")
            try await ports.mounter.mount(device.path, at: "/mnt/by-hand", filesystem, options: [])
        }
        executor.drain()
        return true
    }

    /// A stranger's host that freezes with something unwritten: its watch ends, its lock stays, and it writes on when it
    /// wakes up.
    /// On an image without the exclusive lock nobody could ever tell that he had it.
    func freezeStranger() -> Bool {
        guard !isLockless else { return false }
        guard strangersDevice != nil || mapByHand(), let stranger = strangersDevice else { return false }
        return cluster.mutate { world in
            guard world.nodes[Setup.stranger]?.isPaused == false else { return false }
            try? world.buffer("by-hand", on: Setup.stranger, at: stranger.mountpoint)
            world.pause(Setup.stranger)
            return true
        }
    }

    var isStrangerFrozen: Bool { cluster.mutate { $0.nodes[Setup.stranger]?.isPaused } ?? false }

    func endStranger() {
        cluster.mutate { $0.wake(Setup.stranger) }
        guard let (ports, device, mountpoint) = strangersDevice else { return }
        strangersDevice = nil
        Task(executorPreference: executor) {
            try await ports.mounter.unmount(mountpoint)
            try await ports.mapper.unmap(device)
        }
        executor.drain()
    }

    /// Somebody makes an image of the volume's name, which is none of the volume's.
    func plantImage() -> Bool {
        guard let volume = random.one(of: volumes) else { return false }
        let image = Setup.image(volume)
        return cluster.mutate { world in
            guard world.ceph.images[image] == nil else { return false }
            world.addImage(image)
            checks.noteForeign(image, world)
            return true
        }
    }

    static let renamedAway = ".old"

    /// Somebody renames a volume's image, and makes another one of its name, with a filesystem.
    func swapImage() -> Bool {
        guard let volume = random.one(of: volumes), let name = try? VolumeName(volume) else { return false }
        let image = Setup.image(volume)
        let isSwapped = cluster.mutate { world in
            let record = world.etcd.volumes[name]?.record
            guard record?.phase == .ready, record?.imageID == world.ceph.images[image]?.id, !checks.isForeign(image),
                world.ceph.images[image.named(volume + Self.renamedAway)] == nil
            else { return false }
            do { try world.renameByHand(image, to: volume + Self.renamedAway) } catch { return false }
            let type: FilesystemType = volume == "kv" ? .xfs : .ext4
            world.addImage(
                image, content: .filesystem(SimulatedFilesystem(type: type, size: .mebibytes(512))))
            checks.noteForeign(image, world)
            return true
        }
        return isSwapped
    }

    /// Whoever renamed images gives them their names back: if they are still a volume's.
    func putImagesBack() {
        for volume in volumes {
            let (image, renamed) = (Setup.image(volume), Setup.image(volume).named(volume + Self.renamedAway))
            guard let name = try? VolumeName(volume) else { continue }
            cluster.mutate { world in
                guard let found = world.ceph.images[renamed] else { return }
                if checks.forgetForeign(image) { world.takeAway(image) }
                let record = world.etcd.volumes[name]?.record
                guard record?.phase == .ready, record?.imageID == found.id, world.ceph.images[image] == nil else {
                    // `rbd rm` refuses an image that somebody has open.
                    if world.writers(ofImage: found.id).isEmpty { world.takeAway(renamed) }
                    return
                }
                try? world.renameByHand(renamed, to: volume)
            }
        }
    }

    /// Somebody takes a snapshot of a volume's image, as `rbd snap create` does, or removes the one that he took.
    func takeSnapshot() -> Bool {
        guard let volume = random.one(of: volumes) else { return false }
        let image = Setup.image(volume)
        return cluster.mutate { world in
            guard let found = world.ceph.images[image], found.uid != nil, let name = try? VolumeName(volume),
                RequestRule.holding(world.etcd.read(name)) == nil, found.rollingBackTo == nil
            else { return false }
            if found.snapshots.contains(where: { $0.name == "by-hand" }) {
                try? world.removeSnapshot("by-hand", of: image)
                checks.forgetSnapshots()
            } else {
                try? world.addSnapshot("by-hand", of: image)
            }
            return true
        }
    }

    func scheduleSnapshots() -> Bool {
        guard let volume = random.one(of: volumes) else { return false }
        let freezes = random.below(4) > 0
        let changes = random.below(4) > 0 ? Setup.scheduled(freezing: freezes) : [.snapshots: "off"]
        return cluster.mutate { $0.setValues(changes, of: volume) }
    }

    /// An operator has a snapshot taken; where the plugin has taken some by itself, one of them is held, or let go.
    func keepSnapshot() -> Bool {
        guard let volume = random.one(of: volumes) else { return false }
        let image = Setup.image(volume)
        return cluster.mutate { world in
            guard let found = world.ceph.images[image], found.uid != nil else { return false }
            let scheduled = found.snapshots.filter { $0.mark?.slot != nil }
            if let one = random.one(of: scheduled) {
                world.hold(one.id, of: image, one.mark?.isHeld == false)
                return true
            }
            return (try? world.addSnapshot("manual", of: image, by: "operator@a")) != nil
        }
    }

    func chooseTrash() -> Bool {
        guard let volume = random.one(of: volumes) else { return false }
        let keep = ["20s", "2m", "1h"][random.below(3)]
        let changes: [RuntimeOption: String?] =
            random.below(4) > 0 ? [.onRemove: "trash", .trashKeep: keep] : [.onRemove: "delete"]
        return cluster.mutate { $0.setValues(changes, of: volume) }
    }

    /// The images of removed volumes that the trash keeps.
    private var kept: [String] {
        cluster.mutate { $0.ceph.trash.values.filter { $0.keptUntil != nil }.map(\.image.id).sorted() }
    }

    /// The command runs on a node's host, and is killed with the plugin.
    func restoreKept(on index: Int) -> Bool {
        guard hosts[index].plugin != nil, isAwake(hosts[index].name), let image = random.one(of: kept) else {
            return false
        }
        ask(.restore(image), of: index)
        return true
    }

    func deleteKept(on index: Int) -> Bool {
        guard hosts[index].plugin != nil, isAwake(hosts[index].name), let image = random.one(of: kept) else {
            return false
        }
        checks.noteDeletion(of: image)
        ask(.deleteKept(image), of: index)
        return true
    }

    func changeProtection() -> Bool {
        guard let volume = random.one(of: volumes) else { return false }
        let isProtected = random.below(3) > 0
        return cluster.mutate { $0.protect(volume, isProtected) }
    }

    /// The command runs on a node's host, and is killed with the plugin.
    func wishSize(on index: Int) -> Bool {
        guard hosts[index].plugin != nil, isAwake(hosts[index].name), let volume = random.one(of: volumes) else {
            return false
        }
        let size = VolumeSize.mebibytes(600 + 300 * UInt64(random.below(8)))
        checks.noteWish(size, of: volume)
        ask(.resize(volume, to: size), of: index)
        return true
    }

    /// The policy that new volumes get allows them more, or less, or anything, or is gone.
    func setQuota() -> Bool {
        let sizes: [VolumeSize?] = [.mebibytes(600), .mebibytes(900), .mebibytes(2000), nil]
        let policy =
            random.below(6) == 0
            ? nil
            : Setup.policy(
                allowing: sizes[random.below(sizes.count)], keeping: keepsRemoved, scheduling: takesSnapshots)
        return cluster.mutate { $0.setPolicy(policy, as: .standard) }
    }

    /// From now on the volume is filled before each round of the plugin that has it.
    func beginToFill() -> Bool {
        guard let volume = random.one(of: volumes), !filling.contains(volume),
            cluster.mutate({ $0.setValues(Setup.growing, of: volume) })
        else { return false }
        filling.insert(volume)
        return true
    }

    /// The containers on a host fill what they are to fill.
    func topUp(_ index: Int) {
        let name = hosts[index].name
        for container in hosts[index].containers where filling.contains(container.volume) {
            guard case .running = container.state else { continue }
            cluster.mutate { try? $0.fillUp(on: name, at: Setup.mountpoint(container.volume)) }
        }
    }

    func growImage() -> Bool {
        guard let volume = random.one(of: volumes), let name = try? VolumeName(volume) else { return false }
        let size = VolumeSize.gibibytes(UInt64(1 + random.below(8)))
        return cluster.mutate { world in
            guard world.etcd.volumes[name]?.record.phase == .ready, !checks.isForeign(Setup.image(volume)) else {
                return false
            }
            guard world.growByHand(Setup.image(volume), to: size) else { return false }
            checks.noteWish(size, of: volume, world)
            return true
        }
    }

    func setValues() -> Bool {
        guard let volume = random.one(of: volumes) else { return false }
        let changes: [RuntimeOption: String?] = [
            .iops: [nil, "none", "100", "500"][random.below(4)], .writeBPS: [nil, "1M"][random.below(2)],
        ]
        return cluster.mutate { $0.setValues(changes, of: volume) }
    }
}
