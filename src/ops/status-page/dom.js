/** An element; text goes in as text, so that no name out of a cluster can become markup. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Makes the children of `parent` these, touching only those that differ: what a person has selected stays so. */
export function show(parent, ...children) {
  children.forEach((child, index) => {
    const made = typeof child === "string" ? document.createTextNode(child) : child;
    const before = parent.childNodes[index];
    if (before === undefined) parent.append(made);
    else if (!before.isEqualNode(made)) before.replaceWith(made);
  });
  while (parent.childNodes.length > children.length) parent.lastChild.remove();
}
