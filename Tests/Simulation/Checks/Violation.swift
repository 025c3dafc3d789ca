/// An invariant that did not hold.
public struct Violation: Sendable, Hashable, CustomStringConvertible {
    public enum Invariant: String, Sendable, CaseIterable {
        case oneWriter = "I1: at most one client that is not blocklisted can write"
        case oneMapping = "I1: at most one client that is not blocklisted has the image mapped"
        case recordedWriter = "I1: whoever can write is recorded, so that it can be fenced"
        case noSecondFormat = "I2: mkfs never runs on what was ready or is not this volume's"
        case mountedIsMounted = "I3: a Mount that answered success is mounted and usable"
        case unmountedIsGone = "I3: an Unmount that answered success leaves nothing"
        case usersKeepTheirMount = "I3: nobody's mount goes away while its id is counted"
        case endsWell = "I4: nothing is left that the next call cannot finish or undo"
        case epochsGrow = "I5: an epoch is never reused or lowered"
        case neverDenied = "I6: no answer denies a volume that exists"
        case clientsAreNamed = "I7: no record stops naming a client that may still write"
        case othersAreLeftAlone = "I9: nobody is shut out whom the image does not know"
        case answersAreTrue = "an answer of success is true"
        case noRecordLost = "no acknowledged record is lost"
        case fencedStaysOut = "nothing is written after the fence"
        case foreignUntouched = "what is not ours is not touched"
        case livingKeep = "nobody takes what a living node has"
        case protectedStays = "what is protected is not removed"
        case sizesGrow = "no volume and no image ever gets smaller"
        case appliedIsTrue = "a recorded size is the size of image and filesystem"
        case inForceIsTrue = "limits that a record says are in force have been set"
        case growthIsBounded = "no volume grows by itself beyond its bound"
        case slotsAreTakenOnce = "a slot of a schedule is taken at most once"
        case sharedIsReadOnly = "I10: what is mounted on two nodes can be written by nobody"
        case readersKeepTheirImage = "nobody removes what a living node reads"
        case snapshotsAreKept = "nobody removes a snapshot that a person has taken or holds"
        case trashKeepsItsPromise = "the trash never loses what it promised"
        case growthPauses = "a volume grows by itself at most once a minute"
        case clonesAreCopies = "a clone holds what its parent held, in a filesystem of its own"
        case frozenIsTrue = "nobody writes to what is snapshot, where the snapshot says so"
        case quotaHolds = "nobody adds to the volumes of a policy what it does not allow in sum"
        case historyIsTrue = "who took a volume, and that a volume went, is told when it happens, and nothing else"
        case recordsAreReadable = "what is recorded can be read back"
        case deterministic = "everything runs on the scheduler's thread"
    }

    public let invariant: Invariant
    public let what: String

    public var description: String { "\(invariant.rawValue): \(what)" }
}
