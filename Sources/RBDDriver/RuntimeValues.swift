import Logging
import VolumeCore

/// Brings the values into force that are wanted of a volume while containers use it.
///
/// No Mount fails over them: a volume that cannot be limited is worth more than one that cannot be used. What is not in force
/// stands in the record of the mount with its reason, and is tried again.
extension VolumeDriver {
    /// How often values are looked after that nobody has changed: a control group that has come up since needs the limits too,
    /// and what could not be brought into force may succeed now.
    private static var interval: Duration { .seconds(10) }

    /// Whether something is to be done about the values of a volume that this node has mounted.
    func valuesAreDue(_ stored: StoredVolume) -> Bool {
        guard let volume = stored.volume?.record, let attachment = stored.attachment?.record, attachment.owner == me,
            attachment.state == .attached, let wanted = wantedValues(of: volume)
        else { return false }
        guard rules.valuesNeedCare(attachment.inForce, wanted) else { return false }
        return !memory.hasTried(
            wanted, on: stored.name, attachment.epoch, within: Self.interval, of: ports.clock.now())
    }

    /// Whether this node's copy says it all: what is in force is what is wanted, and only has to be made to stay so.
    func valuesAreAsWanted(_ stored: StoredVolume) -> Bool {
        guard let volume = stored.volume?.record, let attachment = stored.attachment?.record else { return false }
        return attachment.inForce == wantedValues(of: volume).map { ValuesInForce($0) }
    }

    /// In the volume's turn: brings into force what is wanted of it, and records what is.
    func bringIntoForce(_ stored: StoredVolume) async throws {
        guard let volume = stored.volume?.record, let attachment = stored.attachment?.record, attachment.owner == me,
            attachment.state == .attached, let mountpoint = try await shownMountpoint(of: stored),
            let device = try await recordedDevice(of: volume, attachment)
        else { return }
        let now = await bringIntoForce(volume, on: device, at: mountpoint, after: attachment.inForce)
        guard now != attachment.inForce else { return }
        let change = StoreChange(attachment: .put(try attachment.applying(.changed(now))))
        guard try await commit(change, over: stored) != nil else { return }
        log.step("changed the values of a mounted volume", stored.name, ["values": "\(now.values)"])
    }

    /// - Parameter former: what is known to be in force; `nil` when that cannot be told, as of a device that was there before.
    /// - Returns: what is in force now. Where that cannot be told, it is not said to be.
    func bringIntoForce(
        _ volume: VolumeRecord, on device: MappedDevice, at mountpoint: String, after former: ValuesInForce?
    ) async -> ValuesInForce {
        guard let wanted = wantedValues(of: volume) else { return former ?? .none }
        let moment = ports.clock.now()
        let isRepeated = memory.hasTried(wanted, on: volume.name, volume.epoch, within: .seconds(3600), of: moment)
        memory.noteTry(of: wanted, on: volume.name, volume.epoch, at: moment)
        // What takes no effect on device or filesystem is in force as soon as this node knows it.
        var now = ValuesInForce(wanted)
        var reasons: [String] = []
        for part in parts(of: volume, device, mountpoint) where part.isToDo(wanted, former) {
            do {
                try await withinMoment { try await part.effect(wanted) }
            } catch {
                now.values = now.values.with(part.options, from: RuntimeSettings())
                reasons.append("\(error)")
            }
        }
        guard !reasons.isEmpty else { return now }
        // Another wording of the same trouble is no news for the record.
        let reason = reasons.joined(separator: "; ")
        now.reason = isRepeated ? former?.reason ?? reason : reason
        if now.reason != former?.reason {
            log.warning(
                "could not bring all values of a volume into force; it goes on without, and the plugin tries again",
                metadata: ["volume": "\(volume.name)", "values": "\(wanted)", "error": "\(reason)"])
        }
        return now
    }

    /// A filesystem that is mounted as is wanted, on a device that has just been mapped.
    func inForceWhenMounted(_ volume: VolumeRecord) -> ValuesInForce {
        guard let wanted = wantedValues(of: volume) else { return .none }
        return ValuesInForce(RuntimeSettings().with([.discard], from: wanted))
    }

    private func parts(of volume: VolumeRecord, _ device: MappedDevice, _ mountpoint: String) -> [ValuePart] {
        [
            ValuePart(options: RuntimeOption.limits) { wanted, former in
                wanted.limits != .none || former.limits != .none
            } effect: {
                try await ports.limiter.limit(device, to: $0.limits)
            },
            ValuePart(options: [.discard]) { wanted, former in
                (wanted.discard == .online) != (former.discard == .online)
            } effect: {
                try await ports.filesystems.setOnlineDiscard(
                    $0.discard == .online, of: device.exposed, volume.spec.filesystem, mountpoint: mountpoint)
            },
        ]
    }

    /// A Mount and an Unmount wait for it: what hangs is left for the next round.
    private func withinMoment(_ body: () async throws -> Void) async throws {
        let end = ports.clock.now() + .seconds(3)
        try await Deadline.$current.withValue(min(Deadline.current ?? end, end)) { try await body() }
    }

    /// Nothing holds up what a filesystem still has to write when it is unmounted.
    func liftLimits(_ attachment: Attachment, _ volume: VolumeRecord, _ devices: [MappedDevice]) async {
        let mayBeLimited =
            [attachment.inForce.values.limits, wantedValues(of: volume)?.limits ?? .none] != [.none, .none]
        guard mayBeLimited || attachment.inForce.reason != nil else { return }
        memory.forgetValues(of: volume.name)
        for device in devices {
            do {
                try await withinMoment { try await ports.limiter.limit(device, to: .none) }
            } catch {
                log.info(
                    "could not lift the limits of a volume before unmounting it",
                    metadata: ["volume": "\(volume.name)", "device": "\(device.path)", "error": "\(error)"])
            }
        }
    }

    /// What is wanted of the volume now; `nil` while its policy is not known.
    func wantedValues(of volume: VolumeRecord) -> RuntimeSettings? {
        rules.wantedValues(volume, volume.policy.flatMap { ports.policies.runtime(of: $0) })
    }
}

/// Some of the values, which are brought into force together.
private struct ValuePart {
    let options: [RuntimeOption]
    /// Whether there is something to do, by what is wanted and what is in force.
    let differs: (RuntimeSettings, RuntimeSettings) -> Bool
    let effect: (RuntimeSettings) async throws -> Void

    func isToDo(_ wanted: RuntimeSettings, _ former: ValuesInForce?) -> Bool {
        guard let former, former.reason == nil else { return true }
        return differs(wanted, former.values)
    }
}
