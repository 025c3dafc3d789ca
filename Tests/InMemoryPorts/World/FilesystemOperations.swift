import VolumeCore

/// What mkfs, fsck, mount and umount do.
extension World {
    /// The first part of mkfs: refuses what is not blank, and leaves nothing whole until it has ended.
    mutating func beginFilesystem(on path: String, node name: String) throws {
        let device = try device(path, on: name, to: "make a filesystem on")
        let what = "make a filesystem on \(device.image)"
        try admitRead(through: device, on: name, what)
        guard let reference = ceph.reference(ofImage: device.imageID), let image = ceph.images[reference],
            image.content == .blank
        else {
            throw VolumeError(.damaged, what, why: "the image is not blank", outcome: .refused)
        }
        ceph.images[reference]?.content = .unreadable
        ceph.images[reference]?.timesFormatted += 1
    }

    /// The last part of mkfs.
    mutating func finishFilesystem(_ type: FilesystemType, on path: String, node name: String) throws {
        let device = try device(path, on: name, to: "make a filesystem on")
        try admitRead(through: device, on: name, "make a filesystem on \(device.image)")
        guard let reference = ceph.reference(ofImage: device.imageID) else {
            throw VolumeError(.unavailable, "make a filesystem on \(device.image)", why: "the image is gone")
        }
        if ceph.images[reference]?.content != .unreadable {
            harm.append(Harm(image: device.imageID, by: device.client, what: "mkfs wrote over a filesystem"))
        }
        var made = SimulatedFilesystem(type: type, size: device.size)
        made.uuid = ceph.nextFilesystemUUID()
        ceph.images[reference]?.content = .filesystem(made)
    }

    /// What a clone's filesystem needs to be one of its own: its log replayed, and another UUID.
    mutating func renewFilesystem(_ type: FilesystemType, on path: String, node name: String) throws {
        let device = try device(path, on: name, to: "change the UUID on")
        let what = "change the UUID on \(path)"
        try admitRead(through: device, on: name, what)
        _ = try readableFilesystem(type, device, what)
        let uuid = ceph.nextFilesystemUUID()
        try writeFilesystem(device, on: name, what) {
            $0.needsRecovery = false
            $0.uuid = uuid
        }
    }

    /// `e2fsck -p`, where it would do anything; the others check themselves when they are mounted.
    mutating func checkFilesystem(_ type: FilesystemType, on path: String, node name: String) throws {
        let device = try device(path, on: name, to: "check")
        let what = "check the filesystem on \(path)"
        guard try node(name).kernel.superblocks[path] == nil else {
            throw VolumeError(.busy, what, why: "\(path) is mounted", outcome: .refused)
        }
        guard type == .ext4 else { return }
        try admitRead(through: device, on: name, what)
        let filesystem = try readableFilesystem(type, device, what)
        guard filesystem.needsRecovery || filesystem.needsRepair || filesystem.isCheckDue else { return }
        if try node(name).kernel.checksAreHeld {
            nodes[name]?.kernel.devices[path]?.isBeingChecked = true
            throw VolumeError(
                .checking, what, why: "the filesystem is being checked", remedy: "mount the volume again in a while")
        }
        try writeFilesystem(device, on: name, what) {
            $0.needsRecovery = false
            $0.isCheckDue = false
            $0.needsRepair = false
        }
        guard filesystem.needsRepair else { return }
        nodes[name]?.kernel.devices[path]?.isStale = true
        throw VolumeError(
            .unfinished, what, why: "it was repaired, and the kernel may have read it before", remedy: "map it anew")
    }

    private func readableFilesystem(
        _ type: FilesystemType, _ device: SimulatedDevice, _ what: String
    ) throws -> SimulatedFilesystem {
        guard let reference = ceph.reference(ofImage: device.imageID),
            let filesystem = ceph.images[reference]?.filesystem, filesystem.type == type
        else {
            throw VolumeError(.damaged, what, why: "there is no \(type.rawValue) filesystem on it")
        }
        guard !filesystem.isDamaged else {
            throw VolumeError(.damaged, what, why: "the filesystem has errors", remedy: "repair it by hand")
        }
        return filesystem
    }

    /// Two mounts of one device share one superblock; the same device twice at one mountpoint is refused.
    mutating func mount(
        _ path: String, at mountpoint: String, _ type: FilesystemType, options: [String], on name: String
    ) throws {
        let device = try device(path, on: name, to: "mount")
        let what = "mount \(path) at \(mountpoint)"
        let readOnly = options.contains("ro") || device.isReadOnly
        let kernel = try node(name).kernel
        if let shared = kernel.superblocks[path] {
            guard !shared.isDraining, shared.readOnly == readOnly, kernel.mount(at: mountpoint)?.device != path else {
                throw VolumeError(.busy, what, why: "\(path) is already mounted")
            }
        } else {
            try admitRead(through: device, on: name, what)
            let filesystem = try readableFilesystem(type, device, what)
            if filesystem.needsRepair || device.isStale {
                harm.append(
                    Harm(
                        image: device.imageID, by: device.client,
                        what:
                            "mounted a filesystem that was not checked, or a device that was not mapped anew after its repair"
                    ))
            }
            // Whoever mounts it read-only replays its log as well.
            let isWritten = !readOnly || filesystem.needsRecovery
            if isWritten { try writeFilesystem(device, on: name, what) { $0.needsRecovery = !readOnly } }
            nodes[name]?.kernel.superblocks[path] = SimulatedSuperblock(
                filesystem: type, readOnly: readOnly, sequence: filesystem.sequence + (isWritten ? 1 : 0))
            nodes[name]?.kernel.superblocks[path]?.discards = options.contains("discard")
        }
        nodes[name]?.kernel.directories.insert(mountpoint)
        nodes[name]?.kernel.mounts.append(
            SimulatedMount(mountpoint: mountpoint, device: path, readOnly: readOnly))
    }

    /// Takes the topmost mount away. Open files of containers are no hindrance: they have mounts of their own.
    /// - Parameter device: what is to be unmounted; `nil` for whatever is there.
    mutating func unmount(_ mountpoint: String, of device: String?, on name: String) throws {
        var kernel = try node(name).kernel
        guard let index = kernel.mounts.lastIndex(where: { $0.mountpoint == mountpoint }) else {
            nodes[name]?.kernel.directories.remove(mountpoint)
            return
        }
        let top = kernel.mounts[index].device
        guard device == nil || top == device else {
            guard kernel.mounts.contains(where: { $0.mountpoint == mountpoint && $0.device == device }) else { return }
            throw VolumeError(.busy, "unmount \(mountpoint)", why: "\(top) is mounted over it")
        }
        guard kernel.mounts[index].openFiles.isEmpty else {
            throw VolumeError(.busy, "unmount \(mountpoint)", why: "target is busy", remedy: "close the open files")
        }
        let path = kernel.mounts.remove(at: index).device
        if kernel.mount(at: mountpoint) == nil { kernel.directories.remove(mountpoint) }
        nodes[name]?.kernel = kernel
        try releaseSuperblock(path, on: name)
    }

    /// Puts a filesystem that nobody uses any more to rest: what is dirty is written first.
    mutating func releaseSuperblock(_ path: String, on name: String) throws {
        let node = try node(name)
        guard let superblock = node.kernel.superblocks[path], superblock.containers.isEmpty,
            !isFrozen(path, on: name), !node.kernel.mounts.contains(where: { $0.device == path })
        else { return }
        if node.cutOffFrom.contains(.ceph), !superblock.readOnly {
            nodes[name]?.kernel.superblocks[path]?.isDraining = true
            throw World.noAnswer("unmount the filesystem on \(path)")
        }
        // A fenced client loses what it had not written; unmounting succeeds all the same.
        try? flush(path, on: name)
        if let device = node.kernel.devices[path], nodes[name]?.kernel.superblocks[path]?.readOnly == false {
            try? writeFilesystem(device, on: name, "unmount") { $0.needsRecovery = false }
        }
        nodes[name]?.kernel.superblocks[path] = nil
        nodes[name]?.kernel.deadDevices[path] = nil
        giveBackUnmounted(path, on: name)
    }

    func mounted(at mountpoint: String, on name: String) throws -> MountedFilesystem? {
        let kernel = try node(name).kernel
        guard let mount = kernel.mount(at: mountpoint), let superblock = kernel.superblocks[mount.device] else {
            return nil
        }
        return MountedFilesystem(
            device: mount.device, filesystem: superblock.filesystem.rawValue,
            readOnly: mount.readOnly || superblock.readOnly)
    }

    /// The device under a mount that can be written to.
    func writable(_ mountpoint: String, on name: String, _ what: String) throws -> SimulatedDevice {
        let kernel = try node(name).kernel
        guard let mount = kernel.mount(at: mountpoint), let device = kernel.devices[mount.device] else {
            throw VolumeError(.notFound, what, why: "nothing is mounted there")
        }
        guard kernel.superblocks[mount.device]?.readOnly == false else {
            throw VolumeError(.unsupported, what, why: "Read-only file system")
        }
        return device
    }

    mutating func prepareRoot(of mountpoint: String, spec: VolumeSpec, on name: String) throws {
        let what = "prepare the root of \(mountpoint)"
        if try mounted(at: mountpoint, on: name)?.readOnly == true { return }
        let device = try writable(mountpoint, on: name, what)
        try writeFilesystem(device, on: name, what) { filesystem in
            if !filesystem.records.contains(where: { $0.hasPrefix("lost+found/") }) {
                filesystem.hasLostAndFound = false
            }
            filesystem.uid = spec.uid ?? filesystem.uid
            filesystem.gid = spec.gid ?? filesystem.gid
            filesystem.mode = spec.mode ?? filesystem.mode
        }
    }

    mutating func growFilesystem(mountedAt mountpoint: String, on name: String) throws {
        let what = "grow the filesystem at \(mountpoint)"
        let device = try writable(mountpoint, on: name, what)
        try writeFilesystem(device, on: name, what) { $0.size = device.size }
    }
}
