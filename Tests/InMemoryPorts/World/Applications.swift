import VolumeCore

/// What runs on a node beside the plugin: containers, open files, writers.
extension World {
    /// Starts a container on a volume: it gets a mount of its own, which keeps the filesystem in use after the
    /// plugin's mount is gone.
    public mutating func startContainer(on name: String, at mountpoint: String) throws -> Holder {
        let path = try devicePath(at: mountpoint, on: name)
        let holder = newHolder(of: path, on: name)
        nodes[name]?.kernel.superblocks[path]?.containers.insert(holder.number)
        return holder
    }

    /// Opens a file through the plugin's own mount: unmounting is busy until it is closed.
    public mutating func openFile(on name: String, at mountpoint: String) throws -> Holder {
        let path = try devicePath(at: mountpoint, on: name)
        let holder = newHolder(of: path, on: name)
        if let index = nodes[name]?.kernel.mounts.lastIndex(where: { $0.mountpoint == mountpoint }) {
            nodes[name]?.kernel.mounts[index].openFiles.insert(holder.number)
        }
        return holder
    }

    /// Opens the bare device, as a stray process does.
    public mutating func openDevice(_ path: String, on name: String) throws -> Holder {
        _ = try device(path, on: name, to: "open")
        let holder = newHolder(of: path, on: name)
        nodes[name]?.kernel.devices[path]?.openers.insert(holder.number)
        return holder
    }

    /// Stops the container, closes the file or the device. Does nothing when a reboot has already done so.
    public mutating func release(_ holder: Holder) {
        guard var kernel = nodes[holder.node]?.kernel else { return }
        kernel.superblocks[holder.device]?.containers.remove(holder.number)
        kernel.devices[holder.device]?.openers.remove(holder.number)
        for index in kernel.mounts.indices { kernel.mounts[index].openFiles.remove(holder.number) }
        nodes[holder.node]?.kernel = kernel
        try? releaseSuperblock(holder.device, on: holder.node)
    }

    /// What dockerd does at `docker plugin disable -f`: every mount below goes at once, whoever uses it. Containers
    /// and open files keep the filesystems and the devices in use.
    public mutating func unmountLazily(below directory: String, on name: String) {
        guard var kernel = nodes[name]?.kernel else { return }
        let gone = kernel.mounts.filter { $0.mountpoint.hasPrefix(directory) }
        kernel.mounts.removeAll { $0.mountpoint.hasPrefix(directory) }
        for mount in gone { kernel.superblocks[mount.device]?.containers.formUnion(mount.openFiles) }
        nodes[name]?.kernel = kernel
        for path in Set(gone.map(\.device)).sorted() { try? releaseSuperblock(path, on: name) }
    }

    /// Writes a record and waits until it is on disk (`fsync`). When it returns, the record must never be lost.
    /// - Throws: `VolumeError` with code `fenced` when the client is shut out, `timedOut` when Ceph cannot be reached:
    ///   the record is dirty then, and may reach the disk later.
    public mutating func write(_ record: String, on name: String, at mountpoint: String) throws {
        try write(record, on: name, toDevice: devicePath(at: mountpoint, on: name))
    }

    /// The same by a container, whose own mount is still there when the plugin's is gone.
    public mutating func write(_ record: String, by holder: Holder) throws {
        try write(record, on: holder.node, toDevice: holder.device)
    }

    /// Writes a record without waiting: the kernel writes it back later.
    public mutating func buffer(_ record: String, on name: String, at mountpoint: String) throws {
        let path = try devicePath(at: mountpoint, on: name)
        try admitApplication(on: name, path)
        nodes[name]?.kernel.superblocks[path]?.dirty.append(record)
    }

    /// Writes back what is dirty on one device.
    public mutating func flush(_ path: String, on name: String) throws {
        guard let device = nodes[name]?.kernel.devices[path],
            let dirty = nodes[name]?.kernel.superblocks[path]?.dirty, !dirty.isEmpty
        else { return }
        do {
            try writeFilesystem(device, on: name, "write to \(path)") { $0.records += dirty }
        } catch let error as VolumeError where error.code == .timedOut {
            throw error
        } catch {
            // The journal aborts, the filesystem goes read-only, and what was dirty is lost.
            nodes[name]?.kernel.superblocks[path]?.readOnly = true
            nodes[name]?.kernel.superblocks[path]?.dirty = []
            throw error
        }
        nodes[name]?.kernel.superblocks[path]?.dirty = []
    }

    /// The filesystem that is mounted there, as an application reads it.
    public func filesystem(on name: String, at mountpoint: String) throws -> SimulatedFilesystem {
        let device = try device(devicePath(at: mountpoint, on: name), on: name, to: "read")
        guard let reference = ceph.reference(ofImage: device.imageID),
            let filesystem = ceph.images[reference]?.filesystem
        else { throw VolumeError(.unavailable, "read \(mountpoint)", why: "Input/output error") }
        return filesystem
    }

    private mutating func write(_ record: String, on name: String, toDevice path: String) throws {
        try admitApplication(on: name, path)
        nodes[name]?.kernel.superblocks[path]?.dirty.append(record)
        try flush(path, on: name)
        guard let image = nodes[name]?.kernel.devices[path]?.imageID else { return }
        acknowledged[image, default: []].append(record)
    }

    private func admitApplication(on name: String, _ path: String) throws {
        let node = try node(name)
        guard node.isOn, !node.isPaused, let superblock = node.kernel.superblocks[path] else {
            throw VolumeError(.unavailable, "write to \(path)", why: "nothing runs there that could write")
        }
        guard !isFrozen(path, on: name) else {
            throw VolumeError(.unavailable, "write to \(path)", why: "whoever writes waits until it is thawed")
        }
        guard !superblock.readOnly else {
            let broken = node.kernel.devices[path]?.isBroken ?? true
            throw VolumeError(broken ? .fenced : .unsupported, "write to \(path)", why: "Read-only file system")
        }
    }

    private func devicePath(at mountpoint: String, on name: String) throws -> String {
        guard let mount = try node(name).kernel.mount(at: mountpoint) else {
            throw VolumeError(.notFound, "use \(mountpoint)", why: "nothing is mounted there")
        }
        return mount.device
    }

    private mutating func newHolder(of path: String, on name: String) -> Holder {
        holders += 1
        return Holder(node: name, device: path, number: holders)
    }
}
