import InMemoryPorts
import RBDDriver
import VolumeCore

/// What befalls nodes, and what mends them.
extension History {
    /// Lets one thing go wrong that the plan has and that makes sense now.
    func strike() {
        guard let fault = random.one(of: plan.events), let index = random.one(of: Array(hosts.indices)) else { return }
        let name = hosts[index].name
        guard strike(fault, index, name) else { return }
        plan.remaining -= 1
        count(fault)
        trace.mix(name)
        note("! \(name)  \(fault.rawValue)")
    }

    func count(_ fault: Fault) {
        faultsSeen[fault, default: 0] += 1
        trace.mix(fault.rawValue)
    }

    /// - Returns: `false` when it could not happen.
    private func strike(_ fault: Fault, _ index: Int, _ name: String) -> Bool {
        guard let node = cluster.mutate({ $0.nodes[name] }) else { return false }
        switch fault {
        case .pluginKilled:
            guard node.isOn, hosts[index].plugin != nil else { return false }
            killPlugin(on: index)
        case .pluginDisabled:
            guard node.isOn, !node.isPaused, hosts[index].plugin != nil else { return false }
            disablePlugin(on: index)
        case .rebooted:
            guard node.isOn else { return false }
            reboot(index)
        case .powerLost:
            guard node.isOn else { return false }
            losePower(index)
        case .dockerCrashed: return crashDocker(on: index)
        case .mappingDied: return killMapping(on: index)
        case .stranger: return mapByHand()
        case .strangerFreezes: return freezeStranger()
        case .foreignImage: return plantImage()
        case .imageSwapped: return swapImage()
        case .snapshotTaken: return takeSnapshot()
        case .rollBackAsked: return askForRollBack()
        case .snapshotAsked: return askForSnapshot()
        case .snapshotsScheduled: return scheduleSnapshots()
        case .snapshotKept: return keepSnapshot()
        case .trashChosen: return chooseTrash()
        case .restoreAsked: return restoreKept(on: index)
        case .keptDeleted: return deleteKept(on: index)
        case .protection: return changeProtection()
        case .sizeWished: return wishSize(on: index)
        case .quotaSet: return setQuota()
        case .imageGrown: return growImage()
        case .filled: return beginToFill()
        case .valuesSet: return setValues()
        case .notesLost: return loseNotes(of: index, node)
        case .etcdRestored: return restoreEtcd()
        case .recordForged: return forgeRecord()
        default: return cluster.mutate { world in disturb(fault, name, node, &world) }
        }
        return true
    }

    /// What needs nothing but the world.
    private func disturb(_ fault: Fault, _ name: String, _ node: SimulatedNode, _ world: inout World) -> Bool {
        switch fault {
        case .paused:
            guard node.isOn, !node.isPaused else { return false }
            world.pause(name)
        case .cutFromEtcd:
            guard !node.cutOffFrom.contains(.etcd) else { return false }
            world.cut(name, from: .etcd)
        case .cutFromCeph:
            guard !node.cutOffFrom.contains(.ceph) else { return false }
            world.cut(name, from: .ceph)
        case .etcdDown: for host in hosts { world.cut(host.name, from: .etcd) }
        case .cephDown: for host in hosts { world.cut(host.name, from: .ceph) }
        case .needsRepair:
            guard let volume = random.one(of: volumes), volume != Setup.shared,
                !checks.isForeign(Setup.image(volume)),
                world.disorderIdle(Setup.image(volume))
            else { return false }
        case .limitsFail: world.letLimit(false, on: name)
        case .heartbeatLost: world.expireHeartbeat(of: name)
        case .watchFrozen: world.freezeCatalog(of: name)
        case .clockDrifts:
            let ahead = Duration.seconds(random.below(3600) * random.below(2))
            world.setClock(of: name, ahead: ahead, pace: [500, 900, 1100, 2000][random.below(4)])
            checks.noteUnsteadyClocks()
        case .wallClockJumps:
            world.setWallClock(of: name, ahead: .seconds([-4000, -20, -7, 7, 20, 4000][random.below(6)]))
        case .timeJumps: world.advance(by: .seconds([10, 31, 65, 4000][random.below(4)]))
        default: return false
        }
        return true
    }

    // MARK: The plugin and its node

    /// `kill -9`. Of its requests under way some are never sent, and some may take effect later.
    func killPlugin(on index: Int) {
        let name = hosts[index].name
        cluster.mutate { $0.killPlugin(on: name) }
        loseCalls(of: index)
    }

    private func loseCalls(of index: Int) {
        hosts[index].plugin = nil
        for parked in lot.takeAll(of: hosts[index].name) {
            if plan.callFaults.contains(.requestLate), Fault.requestLate.canStrike(parked.call), random.below(3) == 0 {
                makeLate(parked)
            }
            parked.continuation.resume(throwing: PluginIsGone())
        }
        executor.drain()
    }

    func makeLate(_ parked: ParkedCall) {
        late.append(LateRequest(call: parked.call, effect: parked.effect))
    }

    func reboot(_ index: Int) {
        let name = hosts[index].name
        cluster.mutate { $0.reboot(name) }
        forgetContainers(of: index)
        loseCalls(of: index)
    }

    private func losePower(_ index: Int) {
        let name = hosts[index].name
        cluster.mutate { $0.powerOff(name) }
        forgetContainers(of: index)
        loseCalls(of: index)
    }

    /// After a boot Docker starts some containers again, with the ids they had; the others run elsewhere by then.
    private func forgetContainers(of index: Int) {
        let again = random.happens(500)
        hosts[index].containers = again ? hosts[index].containers.map(Self.rebooted) : []
    }

    private static func rebooted(_ container: Container) -> Container {
        var next = container
        next.state = .waiting
        next.isTornAway = false
        return next
    }

    /// `docker plugin disable -f`: the plugin ends, and every mount below its directory goes, whoever uses it.
    private func disablePlugin(on index: Int) {
        let name = hosts[index].name
        cluster.mutate { world in
            world.killPlugin(on: name)
            world.unmountLazily(below: Setup.mountRoot, on: name)
        }
        for position in hosts[index].containers.indices { hosts[index].containers[position].isTornAway = true }
        loseCalls(of: index)
    }

    /// The daemon dies. Its containers end or go on, and no Unmount ever comes; some start again with the same id.
    private func crashDocker(on index: Int) -> Bool {
        guard !hosts[index].containers.isEmpty else { return false }
        for container in hosts[index].containers {
            if case .running(let holder, _) = container.state { cluster.mutate { $0.release(holder) } }
        }
        forgetContainers(of: index)
        return true
    }

    /// `kill -9` of what carries the data of a mapping. Whoever uses it gets errors from then on, and whoever is just being
    /// told that it is mounted learns of it later.
    private func killMapping(on index: Int) -> Bool {
        let name = hosts[index].name
        let devices = cluster.mutate { world in
            (world.nodes[name]?.kernel.devices ?? [:]).values.filter(\.isByPlugin).sorted { $0.path < $1.path }
        }
        guard let device = random.one(of: devices) else { return false }
        cluster.mutate { $0.killMapping(device.path, on: name) }
        checks.noteDead(device.client)
        for position in hosts[index].containers.indices
        where hosts[index].containers[position].volume == device.image.name {
            hosts[index].containers[position].isTornAway = true
        }
        for number in inFlight.keys where inFlight[number]?.host == index { inFlight[number]?.sawMappingDie = true }
        return true
    }

    /// The plugin is given another state folder, or its own is lost: while nothing is under way there.
    private func loseNotes(of index: Int, _ node: SimulatedNode) -> Bool {
        guard node.isOn, !inFlight.values.contains(where: { $0.host == index }),
            node.kernel.devices.values.contains(where: { !$0.isOutOfSight })
        else { return false }
        cluster.mutate { $0.loseNotes(of: node.name) }
        return true
    }

    /// The first call makes a backup of etcd, a later one wants it restored. After that the only promise is that no data is
    /// harmed.
    private func restoreEtcd() -> Bool {
        if backup == nil { backup = cluster.mutate { $0.etcd } } else { isToBeRestored = true }
        return false
    }

    /// Nobody restores etcd under plugins that are at work.
    func restoreEtcdIfQuiet() {
        guard isToBeRestored, plan.remaining > 0, let backup, !checks.isRestored, inFlight.isEmpty, late.isEmpty,
            backup.revision < cluster.mutate({ $0.etcd.revision })
        else { return }
        cluster.mutate { $0.etcd = backup }
        checks.noteRestored()
        plan.remaining -= 1
        count(.etcdRestored)
        note("! \(Fault.etcdRestored.rawValue)")
    }

    // MARK: Mending

    /// Mends one thing that is broken.
    func mend() {
        guard let index = random.one(of: Array(hosts.indices)) else { return }
        let name = hosts[index].name
        guard let node = cluster.mutate({ $0.nodes[name] }) else { return }
        if !node.isOn {
            cluster.mutate { $0.powerOn(name) }
            note("+ \(name)  is switched on")
        } else if node.isPaused {
            cluster.mutate { $0.wake(name) }
            note("+ \(name)  goes on")
        } else if let backend = node.cutOffFrom.sorted(by: { $0.rawValue < $1.rawValue }).first {
            cluster.mutate { $0.heal(name, to: backend) }
            note("+ \(name)  reaches \(backend.rawValue) again")
        } else if hosts[index].plugin == nil {
            note("+ \(name)  the plugin starts")
            startPlugin(on: index)
        } else {
            cluster.mutate { world in
                world.thawCatalog(of: name)
                world.renewHeartbeat(of: name)
            }
            note("+ \(name)  heartbeat and watch are well")
        }
        trace.mix(name)
    }
}
