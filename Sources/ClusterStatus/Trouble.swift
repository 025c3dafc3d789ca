/// Something that is wrong, and what a person can do about it.
public struct Trouble: Encodable, Sendable, Hashable {
    /// For programs. None is given another meaning.
    public enum Code: String, Encodable, Sendable, CaseIterable {
        case etcdSilent = "etcd-silent"
        case cephSilent = "ceph-silent"
        case cephError = "ceph-error"
        case otherCluster = "other-cluster"
        case noNode = "no-node"
        case deadNode = "dead-node"
        case formerBoot = "former-boot"
        case unreadable = "record-unreadable"
        case unfinishedCreate = "unfinished-create"
        case mountWithoutVolume = "mount-without-volume"
        case halfDone = "half-done"
        case requestFailed = "request-failed"
        case notGrown = "not-grown"
        case valuesNotInForce = "values-not-in-force"
    }

    public var code: Code
    /// The volume, the node or the key; empty where it is the whole.
    public var subject: String
    public var what: String
    /// What to type, or to wait for.
    public var remedy: String

    init(_ code: Code, of subject: String = "", _ what: String, remedy: String) {
        self.code = code
        self.subject = subject
        self.what = what
        self.remedy = remedy
    }
}
