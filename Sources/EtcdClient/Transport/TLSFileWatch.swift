import Blocking
import Glibc
import Logging

/// Looks at the TLS files once a second and tells the transport's thread what they hold by now.
///
/// On a thread of its own: a filesystem that hangs holds up no call.
enum TLSFileWatch {
    static let interval: Duration = .seconds(1)

    /// Ends by itself, within one interval, after the mailbox was closed.
    static func start(
        _ files: TLSFiles, first: TLSFileLooks.Look, mailbox: CurlMailbox, logger: Logger
    ) throws(DetachedThread.Refused) {
        try DetachedThread.start(name: "etcd-tls-files") {
            var looks = TLSFileLooks(first: first)
            while mailbox.isOpen {
                usleep(UInt32(interval.wholeMilliseconds) * 1000)
                switch looks.take(TLSMaterial.read(files)) {
                case nil: break
                case .take(let material):
                    logger.info("the certificate files for etcd have changed; connecting again")
                    mailbox.post(.vouch(material))
                case .keep(let unusable):
                    logger.warning(
                        "cannot use a certificate file for etcd; keeping its former content",
                        metadata: ["error": "\(unusable.detail)"])
                }
            }
        }
    }
}
