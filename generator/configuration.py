"""The rules in config/gotracer.yml."""

import region


def entry(rule):
    limits = rule.limits
    text = region.wrapped(rule.summary, 76, "  # ")
    text += f"#  {rule.name}:\n#    enabled: true\n"
    text += f"#    warn: {limits['warn']['text']}\n#    error: {limits['error']['text']}\n"
    if limits["warn"]["percent"] is not None:
        text += region.wrapped(f"Percent of {rule.percent_of}.", 76, "    # ")
        text += "".join(f"#    {s}_percent: {limits[s]['percent']:g}%\n" for s in ("warn", "error"))
    if limits["warn"]["per_second"] is not None:
        text += "    # Growth each second, over at least a second.\n"
        text += "".join(f"#    {s}_per_second: {limits[s]['per_second_text']}\n" for s in ("warn", "error"))
    for setting in rule.settings:
        if setting["retired"]:
            continue
        text += region.wrapped(setting["about"], 76, "    # ") + f"#    {setting['key']}: false\n"
    return text


def configuration(text, rules):
    return region.replace(text, "\n".join(entry(rule) for rule in rules))
