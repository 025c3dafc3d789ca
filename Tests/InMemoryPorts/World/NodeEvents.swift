import VolumeCore

/// What befalls nodes.
extension World {
    /// Takes the power away: what was mapped, mounted and dirty is gone. Ceph keeps the watches until they time out,
    /// and the locks until they are broken.
    public mutating func powerOff(_ name: String) {
        guard var node = nodes[name], node.isOn else { return }
        let silentSince = node.cephLostAt ?? now
        for device in node.kernel.mappings where device.watches {
            ceph.orphanedWatches[device.imageID, default: [:]][device.client] = silentSince + ceph.watchTimeout
        }
        endPlugin(on: name)
        node = nodes[name] ?? node
        var kernel = SimulatedKernel()
        kernel.supportedFeatures = node.kernel.supportedFeatures
        kernel.givesBackWithLastMount = node.kernel.givesBackWithLastMount
        kernel.watchesForReading = node.kernel.watchesForReading
        kernel.nonces = node.kernel.nonces
        node.kernel = kernel
        node.isOn = false
        node.isPaused = false
        node.process = nil
        node.catalog = .empty
        nodes[name] = node
        noticeConnections(of: name)
    }

    /// Boots the node: a new boot id, nothing mapped, nothing mounted, the plugin not running.
    public mutating func powerOn(_ name: String) {
        guard var node = nodes[name], !node.isOn else { return }
        node.isOn = true
        node.boots += 1
        nodes[name] = node
        noticeConnections(of: name)
    }

    /// The node has a kernel that cannot map images with these features.
    public mutating func withdraw(_ features: ImageFeatures, on name: String) {
        nodes[name]?.kernel.supportedFeatures.subtract(features)
    }

    public mutating func reboot(_ name: String) {
        powerOff(name)
        powerOn(name)
    }

    /// Freezes everything on the node. Its plugin's calls have to be held back by whoever schedules them.
    public mutating func pause(_ name: String) {
        nodes[name]?.isPaused = true
        noticeConnections(of: name)
    }

    /// Lets the node go on as if nothing had happened: what was dirty is written now.
    public mutating func wake(_ name: String) {
        nodes[name]?.isPaused = false
        noticeConnections(of: name)
    }

    /// Parts the node from a backend. What it does there from now on has no answer.
    public mutating func cut(_ name: String, from backend: Backend) {
        nodes[name]?.cutOffFrom.insert(backend)
        noticeConnections(of: name)
    }

    /// Ends the partition: what hung goes on.
    public mutating func heal(_ name: String, to backend: Backend) {
        nodes[name]?.cutOffFrom.remove(backend)
        noticeConnections(of: name)
    }

    /// Starts a plugin process; one that ran before is killed.
    mutating func startProcess(on name: String) -> Int {
        endPlugin(on: name)
        processes += 1
        nodes[name]?.process = processes
        nodes[name]?.catalog = .empty
        noticeConnections(of: name)
        return processes
    }

    /// `kill -9` of the plugin. The kernel goes on.
    public mutating func killPlugin(on name: String) {
        endPlugin(on: name)
        nodes[name]?.process = nil
        nodes[name]?.catalog = .empty
        noticeConnections(of: name)
    }

    /// The process ends without a word: the image that it had open shows its watch until that times out.
    private mutating func endPlugin(on name: String) {
        guard let node = nodes[name], let client = node.pluginClient else { return }
        keepFrozen(on: name)
        nodes[name]?.formerClients[client] = node.boot
        nodes[name]?.endedClients = []
        nodes[name]?.opened = nil
        guard let image = node.opened else { return }
        let silentSince = node.cephLostAt ?? now
        ceph.orphanedWatches[image, default: [:]][client] = silentSince + ceph.watchTimeout
    }

    /// The process that carries a mapping's data dies. Ceph counts its watch until that times out; the mount stays, and
    /// is good for nothing.
    public mutating func killMapping(_ path: String, on name: String) {
        guard let node = nodes[name], let device = node.kernel.devices[path] else { return }
        let silentSince = node.cephLostAt ?? now
        if device.watches {
            ceph.orphanedWatches[device.imageID, default: [:]][device.client] = silentSince + ceph.watchTimeout
        }
        nodes[name]?.kernel.devices[path] = nil
        // Of a device for reading no mapper by a process learns the client.
        if device.isByPlugin, !device.isOutOfSight, !device.isReadOnly {
            nodes[name]?.deadClients.insert(device.client)
        }
        guard node.kernel.superblocks[path] != nil else { return }
        nodes[name]?.kernel.deadDevices[path] = device
        nodes[name]?.kernel.superblocks[path]?.readOnly = true
        nodes[name]?.kernel.superblocks[path]?.dirty = []
    }

    /// The state folder is lost, or another one is used: what is mapped goes on, and no mapper knows of it any more.
    public mutating func loseNotes(of name: String) {
        guard let node = nodes[name] else { return }
        // What formats an unfinished image holds on to its own device.
        for device in node.kernel.devices.values
        where device.watches && VolumeRecord.uid(ofUnfinishedImage: device.image.name) == nil {
            nodes[name]?.kernel.devices[device.path]?.isOutOfSight = true
        }
        for index in node.kernel.leftovers.indices { nodes[name]?.kernel.leftovers[index].isOutOfSight = true }
        nodes[name]?.kernel.deadDevices = [:]
        nodes[name]?.formerClients = [:]
    }

    /// What the mapper has noted of dead mappings is lost.
    public mutating func forgetDeadMappings(of name: String) {
        nodes[name]?.kernel.deadDevices = [:]
        nodes[name]?.deadClients = []
    }

    /// What the mapper has noted tells no more whether the processes of dead mappings have really ended.
    public mutating func doubtDeadClients(of name: String) {
        nodes[name]?.deadClients = []
    }

    /// Lets the heartbeat of a living node die: its lease ran out although nothing is wrong with the node.
    public mutating func expireHeartbeat(of name: String) {
        nodes[name]?.heartbeat = nil
    }

    /// Sets a node's clock ahead of the world's from now on, and lets it run at `pace` thousandths of its speed.
    /// It never goes back.
    public mutating func setClock(of name: String, ahead: Duration = .zero, pace: Int = 1000) {
        let shown = clock(of: name).sinceOrigin
        nodes[name]?.clockPace = pace
        nodes[name]?.clockOffset = shown + max(.zero, ahead) - now * pace / 1000
    }

    /// Puts a node's wall clock forward or back.
    public mutating func setWallClock(of name: String, ahead: Duration) { nodes[name]?.wallOffset = ahead }

    func isAlive(_ identity: NodeIdentity) -> Bool {
        guard let heartbeat = nodes[identity.node]?.heartbeat, heartbeat.boot == identity.boot else { return false }
        return heartbeat.lostAt.map { now < $0 + heartbeatTTL } ?? true
    }

    /// Renews the heartbeat of a node whose lease was lost, if its plugin runs and reaches etcd.
    public mutating func renewHeartbeat(of name: String) {
        guard let node = nodes[name], node.process != nil, node.reaches(.etcd) else { return }
        nodes[name]?.heartbeat = SimulatedNode.Heartbeat(boot: node.boot)
    }

    /// Brings watches, heartbeat, catalog and hanging writes in line with who reaches whom.
    private mutating func noticeConnections(of name: String) {
        guard let node = nodes[name] else { return }
        noticeEtcd(node)
        guard node.reaches(.ceph) else {
            nodes[name]?.cephLostAt = node.isOn ? node.cephLostAt ?? now : nil
            return
        }
        nodes[name]?.cephLostAt = nil
        resumeKernel(of: name)
    }

    private mutating func noticeEtcd(_ node: SimulatedNode) {
        if node.process != nil, node.reaches(.etcd) {
            renewHeartbeat(of: node.name)
            nodes[node.name]?.catalog = .following
            return
        }
        if node.heartbeat != nil, node.heartbeat?.lostAt == nil { nodes[node.name]?.heartbeat?.lostAt = now }
        if case .following = node.catalog { freezeCatalog(of: node.name) }
    }

    /// What hung in the kernel goes through, or learns that it is fenced.
    private mutating func resumeKernel(of name: String) {
        guard let kernel = nodes[name]?.kernel else { return }
        for path in kernel.superblocks.keys.sorted() {
            try? flush(path, on: name)
            if kernel.superblocks[path]?.isDraining == true { try? releaseSuperblock(path, on: name) }
        }
        for device in kernel.devices.values.sorted(by: { $0.path < $1.path }) where device.isLeaving {
            if nodes[name]?.kernel.superblocks[device.path] == nil { release(device, on: name) }
        }
    }
}

/// What a node's watched copy of etcd shows.
extension World {
    /// What a node has read or written itself gets into its copy, also while the watch is cut off.
    mutating func observe(_ stored: StoredVolume, on name: String) {
        guard case .frozen(let copy)? = nodes[name]?.catalog else { return }
        let known = copy.first { $0.name == stored.name }
        if let known, known.revision >= stored.revision { return }
        nodes[name]?.catalog = .frozen((copy.filter { $0.name != stored.name } + [stored]).sorted { $0.name < $1.name })
    }

    func catalog(of name: String) -> [StoredVolume]? {
        switch nodes[name]?.catalog {
        case .following: etcd.readAll()
        case .frozen(let volumes): volumes
        case .empty, nil: nil
        }
    }

    func policies(of name: String) -> [PolicyName: Revisioned<Policy>]? {
        switch nodes[name]?.catalog {
        case .following: etcd.policies
        case .frozen: nodes[name]?.frozenPolicies
        case .empty, nil: nil
        }
    }

    /// Stops the watch while everything else goes on: the copy shows what was true now.
    public mutating func freezeCatalog(of name: String) {
        nodes[name]?.catalog = .frozen(etcd.readAll())
        nodes[name]?.frozenPolicies = etcd.policies
    }

    /// Lets the watch catch up.
    public mutating func thawCatalog(of name: String) {
        if nodes[name]?.reaches(.etcd) == true { nodes[name]?.catalog = .following }
    }
}
