/// What happens to an attachment between its claim and its end. The claim itself makes it, the release deletes it.
public enum AttachmentEvent: Sendable, Hashable {
    /// The owner mapped the image, and noted in it who writes.
    case mapped(MappedDevice, mapper: String)
    /// The owner mounted the filesystem, and brought values into force.
    case mounted(at: String, ValuesInForce)
    /// The owner brought other values into force while the volume is mounted.
    case changed(ValuesInForce)
    /// The owner could not give the volume the size that is wanted, and why.
    case growthFailed(String)
    /// The owner found the volume full, and not to become larger by itself, and why; `nil` when that is over.
    case staysFull(String?)
    /// The owner begins to unmount and unmap.
    case detach
    /// The owner could not let go, because something still uses the filesystem or the device: it stays mounted.
    case stayed
    /// The owner finds that mount or device are not what the record says, and attaches anew.
    case reattach
    /// The fence against the former owner stands: the new one may map.
    case fenceStands
}

extension Attachment {
    /// The attachment after the event.
    /// - Throws: `VolumeError` with code `internalFault` when the event cannot happen in this state: a defect, which
    ///   must end the operation before it does harm.
    public func applying(_ event: AttachmentEvent) throws(VolumeError) -> Attachment {
        var next = self
        switch (state, event) {
        case (.attaching, .mapped(let device, let mapper)):
            next.device = device.path
            next.mapper = mapper
            next.clients = device.client.map { [$0] } ?? []
            next.writersAreNoted = true
            next.inForce = .none
            next.growthReason = nil
            next.autogrowReason = nil
        case (.attaching, .mounted(let mountpoint, let values)) where device != nil:
            next.state = .attached
            next.mountpoint = mountpoint
            next.inForce = values
        case (.attached, .changed(let values)):
            next.inForce = values
        case (.attached, .growthFailed(let reason)):
            next.growthReason = reason
        case (.attached, .staysFull(let reason)):
            next.autogrowReason = reason
        case (.attaching, .detach), (.attached, .detach), (.detaching, .detach):
            next.state = .detaching
            next.inForce = .none
        case (.detaching, .stayed) where device != nil && mountpoint != nil:
            next.state = .attached
            next.wantedBy = nil
        case (.attaching, .reattach), (.attached, .reattach), (.detaching, .reattach):
            next.state = .attaching
            next.mountpoint = nil
        case (.fencing, .fenceStands):
            next.state = .attaching
            next.fenced = nil
        default:
            throw VolumeError.defect(
                "record that the volume was \(event.label)",
                "it is \(state.rawValue)\(device == nil ? ", with no device" : "")")
        }
        return next
    }
}

extension AttachmentEvent {
    fileprivate var label: String {
        switch self {
        case .mapped: "mapped"
        case .mounted: "mounted"
        case .changed: "given other values"
        case .growthFailed: "found not to grow"
        case .staysFull: "found full or not"
        case .detach: "told to detach"
        case .stayed: "kept"
        case .reattach: "attached again"
        case .fenceStands: "fenced"
        }
    }
}
