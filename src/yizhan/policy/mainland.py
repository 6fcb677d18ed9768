"""Which network a mainland number was given out by. Numbers can be ported, and then keep their prefix: a route by
network is right for most numbers and wrong for some, which the carrier then forwards or refuses.
"""

from yizhan.model.route import Network

_PREFIXES = {
    Network.MOBILE: (
        "1340 1341 1342 1343 1344 1345 1346 1347 1348 135 136 137 138 139 147 148 150 151 152 157 158 159 165"
        " 1703 1705 1706 172 178 182 183 184 187 188 195 197 198"
    ),
    Network.UNICOM: "130 131 132 140 145 146 155 156 166 167 1704 1707 1708 1709 171 175 176 185 186 196",
    Network.TELECOM: "133 1349 149 153 162 1700 1701 1702 173 174 177 180 181 189 190 191 193 199",
    Network.BROADNET: "192",
}
_BY_PREFIX = {prefix: network for network, prefixes in _PREFIXES.items() for prefix in prefixes.split()}


def network_of(national: str) -> Network | None:
    """The network of an 11-digit mobile number; None for a prefix that no network has.

    >>> network_of("13800000000"), network_of("13490000000"), network_of("12000000000")
    (<Network.MOBILE: 'cm'>, <Network.TELECOM: 'ct'>, None)
    """
    return _BY_PREFIX.get(national[:3]) or _BY_PREFIX.get(national[:4])
