import Glibc

/// What an operator can do about the errors that people really meet.
enum CephRemedy {
    static func hint(code: CInt, call: String, subject: CephSubject) -> String? {
        switch code {
        case EACCES, EPERM: denied(subject)
        case ENOENT: missing(call, subject)
        case EEXIST: "Choose another name."
        case EBUSY: busy(call)
        case ENOTEMPTY: "Remove its snapshots first ('rbd snap purge')."
        case EROFS:
            "Another client holds the image's exclusive lock and does not give it up, or the image is open read-only."
        case ETIMEDOUT: "Check that the monitors ('mon host') and the OSDs can be reached; see 'ceph -s'."
        case ENOTCONN: "The next call connects again."
        case CephErrno.blocklisted:
            "The next call connects again; open images and mapped devices must be opened again."
        case ENOSPC, EDQUOT: "The pool is full or over its quota; see 'ceph df'."
        case EINVAL: "Check the value against 'rbd help create' and the cluster's release."
        case EDOM: order(subject)
        case EOPNOTSUPP where call == "rados_connect": noKey
        case EOPNOTSUPP, ENOSYS: "This release of Ceph, or a feature of the image, does not support it."
        default: nil
        }
    }

    /// librados found no key of this user, so that no kind of authentication was left.
    private static let noKey =
        "Check the user's name (RBD_CONF_KEYRING_USER), and that a keyring holds this user's key."

    private static func denied(_ subject: CephSubject) -> String {
        switch subject {
        case .cluster: "Check the user's name, its keyring and its key ('ceph auth get client.NAME')."
        case .client:
            "The user needs mon 'profile rbd' to blocklist a single address; listing and removing need more."
        default: "Check the user's capabilities: mon 'profile rbd', osd 'profile rbd pool=POOL'."
        }
    }

    private static func missing(_ call: String, _ subject: CephSubject) -> String? {
        switch subject {
        case .cluster where call == "rados_conf_read_file": "Check the path of ceph.conf."
        case .cluster: "Check that 'mon host' is set and that the keyring exists and holds the user's key."
        case .pool: "Create it with 'ceph osd pool create' and 'rbd pool init', or name another one."
        case .namespace: "Create it with 'rbd namespace create'."
        default: nil
        }
    }

    private static func busy(_ call: String) -> String {
        switch call {
        case "rbd_remove", "rbd_trash_move", "rbd_trash_remove":
            "A client has it mapped or open ('rbd status'), or it has children. Ceph drops a dead client after "
                + "about 30 seconds."
        default: "A client uses it: see 'rbd status'."
        }
    }

    private static func order(_ subject: CephSubject) -> String {
        "An order is a power of two from 12 (4 KiB objects) to 25 (32 MiB objects)."
    }
}
