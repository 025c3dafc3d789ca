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

    /// - Parameters:
    ///   - former: what the record says is in force.
    ///   - isNew: whether the device has just been mapped, so that nothing limits it.
    /// - Returns: what is in force now. Where that cannot be told, it is not said to be.
    func bringIntoForce(
        _ volume: VolumeRecord, on device: MappedDevice, at mountpoint: String, after former: ValuesInForce,
        isNew: Bool = false
    ) async -> ValuesInForce {
        guard let wanted = wantedValues(of: volume) else { return former }
        let moment = ports.clock.now()
        let isRepeated = memory.hasTried(wanted, on: volume.name, volume.epoch, within: .seconds(3600), of: moment)
        memory.noteTry(of: wanted, on: volume.name, volume.epoch, at: moment)
        // What takes no effect on a device is in force as soon as this node knows it.
        var now = ValuesInForce(wanted.with(RuntimeOption.limits, from: former.values))
        do {
            if !isNew || wanted.limits != .none {
                try await limit(device, to: wanted.limits)
            }
            now.values = now.values.with(RuntimeOption.limits, from: wanted)
        } catch {
            now.values = now.values.with(RuntimeOption.limits, from: RuntimeSettings())
            // Another wording of the same trouble is no news for the record.
            now.reason = isRepeated ? former.reason ?? "\(error)" : "\(error)"
            if now.reason != former.reason {
                log.warning(
                    "could not limit a volume; it goes on without, and the plugin tries again",
                    metadata: ["volume": "\(volume.name)", "limits": "\(wanted.limits)", "error": "\(error)"])
            }
        }
        return now
    }

    /// Nothing holds up what a filesystem still has to write when it is unmounted.
    func liftLimits(_ attachment: Attachment, _ volume: VolumeRecord, _ devices: [MappedDevice]) async {
        let mayBeLimited =
            [attachment.inForce.values.limits, wantedValues(of: volume)?.limits ?? .none] != [.none, .none]
        guard mayBeLimited || attachment.inForce.reason != nil else { return }
        memory.forgetValues(of: volume.name)
        for device in devices {
            do {
                try await limit(device, to: .none)
            } catch {
                log.info(
                    "could not lift the limits of a volume before unmounting it",
                    metadata: ["volume": "\(volume.name)", "device": "\(device.path)", "error": "\(error)"])
            }
        }
    }

    /// A Mount and an Unmount wait for it: what hangs is left for the next round.
    private func limit(_ device: MappedDevice, to limits: IOLimits) async throws {
        let end = ports.clock.now() + .seconds(3)
        try await Deadline.$current.withValue(min(Deadline.current ?? end, end)) {
            try await ports.limiter.limit(device, to: limits)
        }
    }

    /// What is wanted of the volume now; `nil` while its policy is not known.
    func wantedValues(of volume: VolumeRecord) -> RuntimeSettings? {
        rules.wantedValues(volume, volume.policy.flatMap { ports.policies.runtime(of: $0) })
    }
}
