import VolumeCore

/// One effect of a port, as the hook, the scheduler and the trace see it. A port call that changes the world in steps,
/// between which a crash leaves something behind, is several of these.
public struct PortCall: Sendable, Hashable, CustomStringConvertible {
    public var node: String
    /// Which plugin process called: a restarted plugin has another number.
    public var process: Int
    public var operation: PortOperation
    /// The volume, image, device or mountpoint.
    public var subject: String
    /// The length of a `sleep`.
    public var duration: Duration?

    public var description: String { "\(node)#\(process) \(operation.rawValue) \(subject)" }
}

/// All effects that ports have.
public enum PortOperation: String, Sendable, Hashable, CaseIterable {
    case storeRead, storeCommit, storeReadAll, nodeIsAlive
    case policyRead, policyReadAll, policyWrite
    case imagePreflight, imageInspect, imageClones, imageCreate, imageClone, imageMark, imageRename, imageWatchers
    case imageList,
        imageFilesystems
    case imageNoteWriter, imageForgetWriters, imageGrow
    case snapshotList, snapshotTake, snapshotMark, snapshotRemove, snapshotRollBackBegin, snapshotRollBack
    /// A removal in two steps: the data goes, then the name.
    case imageTrim, imageRemove
    /// What is removed goes to the trash, and later from there.
    case imageTrash, imageTrashPlaces, imageTrashList, imageEmpty
    /// What the trash keeps.
    case imageKeep, imageKept, imageRestore
    /// A format in four steps: mkfs begins and ends on a device of the formatter's own. A clone is checked and gets its UUID there.
    case formatMap, formatBegin, formatEnd, formatUnmap
    case deviceSupport, deviceMap, deviceList, deviceUnmap, deviceSize, deviceGrow, deviceLimit
    case filesystemCheck, filesystemIsChecking, filesystemGrow, filesystemUsage, filesystemTrim, filesystemDiscard
    case filesystemFreeze, filesystemThaw
    case mountMount, mountUnmount, mountInspect, mountHold, mountPrepareRoot
    case fenceBlocklist, fenceIsBlocklisted, fenceAllow, fenceBreakLock
    case sleep

    /// What it needs to be connected to.
    public var backend: Backend {
        switch self {
        case .storeRead, .storeCommit, .storeReadAll, .nodeIsAlive, .policyRead, .policyReadAll, .policyWrite: .etcd
        case .imagePreflight, .imageInspect, .imageClones, .imageCreate, .imageClone, .imageMark, .imageRename,
            .imageWatchers,
            .imageList,
            .imageFilesystems,
            .imageTrim, .imageRemove, .imageTrash, .imageTrashPlaces, .imageTrashList, .imageEmpty, .imageKeep,
            .imageKept, .imageRestore, .formatMap,
            .deviceMap, .fenceBlocklist, .fenceIsBlocklisted, .fenceAllow, .fenceBreakLock,
            .imageNoteWriter, .imageForgetWriters, .imageGrow, .snapshotList, .snapshotTake, .snapshotMark,
            .snapshotRemove, .snapshotRollBackBegin, .snapshotRollBack:
            .ceph
        case .formatBegin, .formatEnd, .formatUnmap, .deviceSupport, .deviceList, .deviceUnmap, .deviceSize,
            .deviceGrow, .deviceLimit, .filesystemCheck, .filesystemIsChecking, .filesystemGrow, .filesystemUsage,
            .filesystemTrim, .filesystemDiscard, .filesystemFreeze, .filesystemThaw, .mountMount, .mountUnmount,
            .mountInspect, .mountHold, .mountPrepareRoot:
            .kernel
        case .sleep: .clock
        }
    }

    /// Whether it changes anything.
    public var writes: Bool {
        switch self {
        case .snapshotTake, .snapshotMark, .snapshotRemove, .snapshotRollBackBegin, .snapshotRollBack, .storeCommit,
            .policyWrite, .imageCreate, .imageClone, .imageMark,
            .imageNoteWriter, .imageForgetWriters, .imageGrow, .imageRename,
            .imageTrim,
            .imageRemove, .imageTrash, .imageEmpty, .imageKeep, .imageRestore,
            .formatMap, .formatBegin,
            .formatEnd, .formatUnmap, .deviceMap, .deviceUnmap, .deviceGrow, .deviceLimit, .filesystemCheck,
            .filesystemGrow, .filesystemTrim, .filesystemDiscard, .filesystemFreeze, .filesystemThaw,
            .mountMount, .mountUnmount, .mountPrepareRoot, .fenceBlocklist, .fenceAllow, .fenceBreakLock:
            true
        case .snapshotList, .storeRead, .storeReadAll, .policyRead, .policyReadAll, .nodeIsAlive, .imagePreflight,
            .imageInspect, .imageClones, .imageWatchers,
            .imageList,
            .imageFilesystems,
            .imageTrashPlaces, .imageTrashList, .imageKept,
            .deviceSupport,
            .deviceList, .deviceSize, .filesystemIsChecking, .filesystemUsage, .mountInspect, .mountHold,
            .fenceIsBlocklisted,
            .sleep:
            false
        }
    }

    /// Whether the node itself carries it out, so that it cannot happen after a reboot.
    var isLocal: Bool {
        switch self {
        case .formatMap, .deviceMap: true
        default: backend == .kernel
        }
    }
}
