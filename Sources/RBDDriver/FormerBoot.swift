import Logging
import VolumeCore

/// A boot of this machine that is over. What it had mapped ended with it, and never comes back.
extension VolumeDriver {
    /// Takes clients of an earlier boot off the blocklist again, once the record names them no more. Else each reboot would
    /// leave an entry for each volume, for years, and every fence reads the whole list.
    ///
    /// An entry stays as long as Ceph shows its client: an OSD may do so for ever. It also stays when the address is none
    /// of this machine's: then it may be another host's that goes by this node's name.
    /// - Parameters:
    ///   - shutOut: whom the fence has just shut out, because the image knew them.
    ///   - former: the record as the earlier boot had left it.
    func liftEntries(_ shutOut: [ClientAddress], of former: Attachment, on image: ImageReference) async {
        guard former.owner.node == me.node, former.owner.boot != me.boot, former.state != .fencing else { return }
        do {
            let found = try await ports.images.inspect(image)
            for client in ClientRule.over(former, shutOut: shutOut) where found?.isOpen(by: client) != true {
                if try await ports.formerClients.isThisMachines(client) { await allowAgain(client) }
            }
        } catch {
            log.debug(
                "could not remove the blocklist entries of an earlier boot",
                metadata: ["image": "\(image)", "error": "\(error)"])
        }
    }
}
